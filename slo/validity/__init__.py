"""Whether a run is worth judging."""
