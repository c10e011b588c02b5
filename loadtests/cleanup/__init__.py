"""Cleaning up after a run: what it created in the shop, removed through the shop's own API, and what is left."""
