"""Aggregates of runs that went well, with what a test changes of them."""

from typing import Any

from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.aggregates import Aggregates, Latency, ObjectiveAggregate, ReleaseIdentity
from loadtests.run_store.store import RunStore

DAY_NS = 86_400 * 1_000_000_000
NOON = 1_795_780_800_000_000_000  # 2026-11-27 12:00:00 UTC


def latency_objective(p95_s: float | None = 0.2, name: str = "checkout-latency") -> ObjectiveAggregate:
    """Return a latency objective of 4,000 requests."""
    return ObjectiveAggregate(
        name=name,
        outcome="met",
        indicator="latency",
        source="records",
        steps=("checkout",),
        threshold_s=0.8,
        target=0.95,
        events=4000,
        bad=10,
        latency=Latency(requests=4000, p50_s=0.1, p95_s=p95_s, p99_s=0.4),
    )


def made(run: str = "20261127T120000Z-peak-0001", **changed: Any) -> Aggregates:
    """Return a run that passed, unchanged, of release 1.0."""
    good: dict[str, Any] = {
        "run": run,
        "started_at": NOON,
        "ended": "completed",
        "outcome": "PASS",
        "identity": ReleaseIdentity(release="1.0"),
        "plan": "peak",
        "plan_sha256": "a" * 64,
        "objectives_sha256": "b" * 64,
        "environment": "staging",
        "base_url": "https://staging.example",
        "fingerprint": {"replicas": 2},
        "objectives": (latency_objective(),),
        "sessions_started": 3000,
        "orders_accepted": 300,
    }
    return Aggregates(**{**good, **changed})


def put(store: RunStore, aggregates: Aggregates, folder: Any, *, records: bool = False) -> None:
    """Put aggregates whose run directory is an almost empty one below `folder`."""
    path = folder / aggregates.run
    (path / "objectives").mkdir(parents=True, exist_ok=True)
    (path / "run.json").write_text("{}")
    (path / "requests-w0-00000.parquet").write_bytes(b"records" * 100)
    store.put(RunDirectory(path=path), aggregates, NOON, records=records)
