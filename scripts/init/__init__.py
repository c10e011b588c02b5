"""What `peakproof init` does: a few polite requests to a staging site, and files that one can edit."""
