"""The load generator: live.json of a run (snapshot.py), and the outcome of the last gate (gate.py).

A run's exporter takes `subject`; `subject_of` (config.py) makes the subject `loadgen` of exporters.yaml.
"""

from exporters.subjects.loadgen.snapshot import cumulative, families, latest_run, read_snapshot, subject

__all__ = ["cumulative", "families", "latest_run", "read_snapshot", "subject"]
