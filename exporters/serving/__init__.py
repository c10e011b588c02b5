"""Serving metrics over HTTP."""
