"""The small documents of a store: its own, one of each run that is whole in it, and one of each mark."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from loadtests.run_store.aggregates import Aggregates, ReleaseIdentity
from slo.documents import Count, Ns, WrittenDocument

STORE_FORMAT: Final = "peakproof/store/v1"
ENTRY_FORMAT: Final = "peakproof/store-entry/v1"
MARK_FORMAT: Final = "peakproof/mark/v1"


class StoreDocument(WrittenDocument):
    """`store.json`, by which a folder or bucket is known as a store, and of which version it is."""

    format: Annotated[str, Field(json_schema_extra={"const": STORE_FORMAT})] = STORE_FORMAT


class ObjectiveFigures(WrittenDocument):
    """What a list and a season need of one objective."""

    name: str
    outcome: str
    indicator: str | None = None
    threshold_s: float | None = None
    requests: Count | None = None
    p95_s: float | None = None


class StoreEntry(WrittenDocument):
    """`index/RUN.json`, written last: the run is whole in the store, and its aggregates have this hash.

    `records` is the size of its raw records there; null once they were pruned, or were never put.
    """

    format: Annotated[str, Field(json_schema_extra={"const": ENTRY_FORMAT})] = ENTRY_FORMAT
    run: str
    aggregates_sha256: str
    put_at: Ns
    started_at: Ns | None = None
    outcome: str | None = None
    plan: str | None = None
    plan_sha256: str | None = None
    environment: str | None = None
    identity: ReleaseIdentity = ReleaseIdentity()
    changed: bool = False
    objectives: tuple[ObjectiveFigures, ...] = ()
    records_sha256: str | None = None
    records: Count | None = Field(None, description="bytes")

    def to_json(self) -> dict[str, Any]:
        """Return the object that the entry's file holds."""
        return self.model_dump(mode="json")


class Mark(WrittenDocument):
    """A run whose raw records are kept for good: as the baseline `name`, or, without one, for a person's reason."""

    format: Annotated[str, Field(json_schema_extra={"const": MARK_FORMAT})] = MARK_FORMAT
    kind: Literal["kept", "baseline"]
    run: str
    name: str | None = None
    identity: ReleaseIdentity = ReleaseIdentity()
    marked_at: Ns
    why: str | None = None
    replaced: str | None = Field(None, description="the run that was this baseline before")

    def to_json(self) -> dict[str, Any]:
        """Return the object that the mark's file holds."""
        return self.model_dump(mode="json")


def entry_of(aggregates: Aggregates, aggregates_sha256: str, put_at: int) -> StoreEntry:
    """Return the entry of a run that was put at `put_at` (ns), as yet without raw records."""
    return StoreEntry(
        run=aggregates.run,
        aggregates_sha256=aggregates_sha256,
        put_at=put_at,
        started_at=aggregates.started_at,
        outcome=aggregates.outcome,
        plan=aggregates.plan,
        plan_sha256=aggregates.plan_sha256,
        environment=aggregates.environment,
        identity=aggregates.identity,
        changed=bool(aggregates.changed),
        objectives=tuple(
            ObjectiveFigures(
                name=one.name,
                outcome=one.outcome,
                indicator=one.indicator,
                threshold_s=one.threshold_s,
                requests=one.latency.requests if one.latency else None,
                p95_s=one.latency.p95_s if one.latency else None,
            )
            for one in aggregates.objectives
        ),
    )
