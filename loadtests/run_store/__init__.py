"""The store of finished runs: what is kept of each for years, which may be a baseline, and which records may go."""
