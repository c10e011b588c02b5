"""What is exported, a module a subject."""
