"""Demand, journeys, the client and the records of a run."""
