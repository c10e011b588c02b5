"""Whether one release is worse than another: the statistics of paired blocks, and the verdict over them."""
