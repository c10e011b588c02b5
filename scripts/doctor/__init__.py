"""What `peakproof doctor` looks at: the machine, an environment, the stack; each thing is a line with its next step."""
