"""Benchmarks of judging: runs of ten and of twenty million requests."""
