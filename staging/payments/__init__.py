"""The stand-in payment provider: a process with a database of its own."""
