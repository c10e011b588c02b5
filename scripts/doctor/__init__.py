"""The checks of `peakproof doctor`: this machine, an environment, the stack. Each gives a line with its next step."""
