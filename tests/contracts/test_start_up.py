"""A process imports what it begins with, and what is heavy when it is first needed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each loads what the one before it did, and more: of each, what it does without.
LOADED = {"duckdb", "gevent", "grafanalib", "locust", "numpy", "opentelemetry", "pyarrow", "scipy", "sqlalchemy"}
WITHOUT = {
    "scripts.cli": LOADED,  # `peakproof --help`
    "loadtests.audit.records_child": LOADED,
    "loadtests.trial.child": LOADED - {"gevent"},
    "loadtests.worker.worker": {"duckdb", "grafanalib", "locust", "scipy", "sqlalchemy"},
    "loadtests.coordination.process": {"duckdb", "grafanalib", "locust", "scipy", "sqlalchemy"},
    "scripts.verbs.recorder": {"duckdb", "grafanalib", "locust", "scipy", "sqlalchemy"},
    "exporters.config": {"grafanalib", "locust", "scipy", "sqlalchemy"},
    "scripts.verbs.run": {"locust", "scipy", "sqlalchemy"},
}


def test_what_is_heavy_is_imported_when_it_is_first_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.children.imported_at_start", *WITHOUT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert {name: without & {*loaded[name]} for name, without in WITHOUT.items()} == {name: set() for name in WITHOUT}
