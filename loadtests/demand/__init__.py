"""The demand: history → forecast → plan → curve → arrivals. Pure: no clock, no network, no load generator."""
