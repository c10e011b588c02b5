"""Releases: what is deployed where, how often and how well (DORA's measures), and whether a gate passed it."""
