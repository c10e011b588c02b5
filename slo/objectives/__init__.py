"""Objectives: OpenSLO documents, and how good and bad events are counted."""
