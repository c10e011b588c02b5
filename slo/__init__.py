"""What good means, whether it was, and why not."""
