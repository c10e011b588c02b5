"""One real browser beside the load."""
