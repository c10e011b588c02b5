"""The parts of `peakproof init`: a survey of a staging site by a few requests, and drafts of the three files."""
