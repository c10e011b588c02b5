"""The job that compares two releases: its blocks, and what the records say of each."""
