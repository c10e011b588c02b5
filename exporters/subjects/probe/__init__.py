"""Journeys walked as probes: their success, steps and certificates."""
