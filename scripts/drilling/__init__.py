"""Alerts proven: Alertmanager's configuration, and the drill that makes every alert happen and measures it."""
