"""A load-generating process: it starts sessions on schedule and records what they did."""
