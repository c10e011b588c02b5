"""A book of probes whose player is told what to find, on a clock that stands still."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.registry import CollectorRegistry

from exporters.context import ExporterContext
from exporters.serving.source import Deadline
from exporters.subjects.probe.book import Book
from exporters.subjects.probe.config import ProbeConfig
from loadtests.probe.process import Probe
from loadtests.probe.result import FailedStep, ProbeResult

CONFIG: dict[str, Any] = {
    "modules": {"browse": {"journey": "window-shop"}, "buy": {"journey": "search-and-buy", "buys": True}},
    "probes": [{"target": "staging", "module": "browse"}],
}
GOOD = ProbeResult(began_at_s=1000.0, took_s=2.0, steps_s={"home": 0.25}, requests=1, requests_s=0.25, status=200)
BAD = ProbeResult(
    began_at_s=1000.0,
    took_s=2.0,
    failed=FailedStep(step="home", reason="http_5xx", message="home: http_5xx"),
    requests=1,
    status=500,
)


def config(**changed: Any) -> ProbeConfig:
    return ProbeConfig.model_validate({**CONFIG, **changed})


@dataclass
class Clock:
    """A monotonic clock and a Unix time that are moved by hand."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at

    def now(self) -> int:
        return round(self.at * 1e9)


@dataclass
class Player:
    """Plays what it is told: `find` returns the result of each probe; `gate`, when set, holds it until it is opened."""

    find: Callable[[Probe, float], ProbeResult] = lambda _probe, _within_s: GOOD
    played: list[tuple[str, str, float]] = field(default_factory=list)
    gate: threading.Event | None = None

    def __call__(self, probe: Probe, within_s: float) -> ProbeResult:
        self.played.append((probe.target, probe.module, within_s))
        if self.gate is not None:
            assert self.gate.wait(20)
        return self.find(probe, within_s)


def context(folder: Path, clock: Clock | None = None) -> ExporterContext:
    return ExporterContext(variables={}, folder=folder, runs=folder / "runs", now=(clock or Clock()).now)


def write_targets(folder: Path, url: str = "http://127.0.0.1:9", **changed: Any) -> None:
    one = {
        "base_url": url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 5, "orders": 10},
        **changed,
    }
    both = {"staging": one, "production": {**one, "base_url": "https://shop.example", "production": True}}
    (folder / "targets.yaml").write_text(json.dumps({"format": "peakproof/targets/v1", "environments": both}))


def book(folder: Path, player: Player, clock: Clock, **changed: Any) -> Book:
    write_targets(folder)
    return Book(config(**changed), context(folder, clock), player, clock)


def within(seconds: float) -> Deadline:
    return Deadline(at=seconds, clock=lambda: 0.0)


def samples(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    """Return each sample by name and the values of its labels, without target and module."""
    found = [sample for family in registry.collect() for sample in family.samples]
    own = [[value for name, value in one.labels.items() if name not in ("target", "module")] for one in found]
    return {(one.name, *labels): one.value for one, labels in zip(found, own, strict=True)}
