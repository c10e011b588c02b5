"""How the tests of subjects read: a time that stands still, a deadline, and samples as they would be exposed."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable

NOW_S = 1_796_000_000.0
HOUR, DAY = 3_600, 86_400


def within(seconds: float = 10.0) -> Deadline:
    return Deadline(at=time.monotonic() + seconds)


def context_at(folder: Path, now_s: float = NOW_S, **variables: str) -> ExporterContext:
    return ExporterContext(
        variables=variables, folder=folder, runs=folder / "runs", now=lambda: int(now_s * 1_000_000_000)
    )


def exposed(families: Iterable[Metric]) -> dict[str, float]:
    """Return every sample under its name and its labels' values, in the order in which they were given."""
    out: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            shown = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert shown not in out
            out[shown] = sample.value
    return out


def refusal(error: pytest.ExceptionInfo[Unreadable]) -> str:
    return str(error.value)


def lint(families: Iterable[Metric]) -> str:
    """Return what `promtool check metrics` has to say; skips where there is no promtool."""
    promtool = os.environ.get("PEAKPROOF_PROMTOOL") or shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is neither on PATH nor named by PEAKPROOF_PROMTOOL")
    registry = CollectorRegistry()
    registry.register(_Collected(tuple(families)))
    text = generate_latest(registry)
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=30)
    return (done.stdout + done.stderr).decode()


class _Collected(Collector):
    def __init__(self, families: tuple[Metric, ...]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
