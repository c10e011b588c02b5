"""Fuzzing of every parser of what comes in without being trusted: briefly in the tests, at length by `make fuzz`."""
