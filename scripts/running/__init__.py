"""The pieces of a run: its preparation, the load generator, the live view, the answers and the final document."""
