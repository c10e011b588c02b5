"""The `peakproof` command: the only place that reads argv, environment and clock, and wires the other rooms."""
