"""The part `loadgen` of exporters.yaml: where the runs are, and how often one is to be judged."""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from pydantic import Field

from exporters.context import ExporterContext
from exporters.serving.scrape import Subject
from exporters.subjects.loadgen import gate, snapshot
from exporters.subjects.loadgen.gate import Gate
from loadtests.environment.target_fields import File
from loadtests.results.live_document import LiveDocument
from slo.documents import Document

LIVE, VERDICT = "live.json", "verdict.json"
Value = LiveDocument | Gate | None


class LoadgenConfig(Document):
    """`runs` is the folder of the runs, by default the usual one; `judged_every_s` how often a gate is to be run."""

    runs: File | None = None
    judged_every_s: float | None = Field(None, ge=3600)


def subject_of(config: LoadgenConfig, context: ExporterContext) -> Subject[Value]:
    """Return the subject `loadgen`: the latest run, and the latest that was judged."""
    parent = context.runs if config.runs is None else context.path(config.runs)
    return Subject(
        name="loadgen",
        about=f"what the load generator does, from live.json, and the last gate's outcome, below {parent}",
        sources={
            LIVE: lambda _: snapshot.fresh(snapshot.read_snapshot(snapshot.latest_run(parent)), context.now()),
            VERDICT: lambda _: gate.read_gate(parent, context.now()),
        },
        families=_families,
    )


def _families(values: Mapping[str, Value]) -> Iterator[Metric]:
    live, judged = values.get(LIVE), values.get(VERDICT)
    if isinstance(live, LiveDocument):
        yield from snapshot.families(live)
    if isinstance(judged, Gate):
        yield from gate.families(judged)
