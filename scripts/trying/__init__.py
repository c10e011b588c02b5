"""What `peakproof try` does: a trial behind the guard rails of a run, its findings, and its lines for a person."""
