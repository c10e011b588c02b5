"""What grew from A to B behind the latencies that failed: traces of A's blocks against those of B's, at one load."""

from collections.abc import Sequence
from pathlib import Path

from loadtests.comparison.job import ComparisonJob
from loadtests.comparison.traces import spans_of, traces_of
from loadtests.results.recorded_run import read_environment
from loadtests.results.run_directory import RunDirectory
from slo.causes.causes import RELEASES, Cause, Explained, explain
from slo.documents import BadInput
from slo.outcomes import Outcome
from slo.regression.comparison import Comparison
from slo.regression.measures import Kind, Measure


def causes_of(job: ComparisonJob, runs: Path, comparison: Comparison) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
    """Return the causes of each latency that failed, and notes that say why there are none.

    Nothing is said where the environment declares no traces, nor of the server's own latencies. What can't be read is a
    note: the FAIL stands without its cause.
    """
    failed = [
        one.measure
        for one in comparison.results
        if one.outcome is Outcome.FAIL and one.measure.kind is Kind.LATENCY and one.measure.source == "records"
    ]
    try:
        explained = _explained(job, runs, failed)
    except BadInput as error:
        return (), (f"what grew isn't known: {error}",)
    notes = tuple(f"{one.note.subject}: {one.note.message}" for one in explained if one.note is not None)
    return tuple(cause for one in explained for cause in one.causes), notes


def _explained(job: ComparisonJob, runs: Path, failed: Sequence[Measure]) -> list[Explained]:
    if not failed or not read_environment(RunDirectory(path=runs / job.blocks[0].run)).traces:
        return []
    spans = spans_of(job, runs)
    return [explain(one.name, spans, *traces_of(job, runs, one.steps), RELEASES) for one in failed]
