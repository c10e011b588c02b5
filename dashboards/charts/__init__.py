"""Charts as inline SVG, for the report, snapshots and the readiness page."""
