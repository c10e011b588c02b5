"""Releases of the stand-in shop: named builds, each a set of faults in how it behaves."""
