"""What keeps a run from harm: before it, and while it plays."""
