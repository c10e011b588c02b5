"""What a run leaves behind: the run directory, its files and their formats."""
