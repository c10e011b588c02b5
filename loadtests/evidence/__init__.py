"""The evidence of a run: which files are it, the manifest that lists them, and whether a directory still holds them."""
