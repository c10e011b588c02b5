"""What a pipeline does with a finished run: plays it, says what it means there, and tells the host."""
