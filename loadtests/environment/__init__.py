"""The environment that is tested: what targets.yaml declares, and how all of it is reached."""
