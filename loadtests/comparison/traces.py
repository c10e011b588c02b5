"""Which traces belong to which release's blocks, and their spans: what a FAIL's causes are sought in."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from loadtests.comparison.job import ComparisonJob
from loadtests.comparison.placing import Kept, begun_sql, kept_of, within_sql
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.recorded_run import read_spans
from loadtests.results.request_tallies import texts
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS
from slo.causes.blocks import BLOCK_NS

_MOST_BLOCKS = 1_000_000
"""More than a block of the job has blocks of ten seconds: numbers of different ones never meet."""
Traces = dict[str, int]
"""The block of ten seconds, numbered over the job, of each trace."""


def traces_of(job: ComparisonJob, runs: Path, steps: Iterable[str]) -> tuple[Traces, Traces]:
    """Return the traces of requests of `steps` in A's blocks and in B's, of whole blocks of ten seconds alone.

    A request belongs to a block as it does for the measures. Raises BadInput where records can't be read.
    """
    chosen = texts(sorted(steps))
    found: tuple[Traces, Traces] = ({}, {})
    for name, kept in _by_run(job).items():
        with PartsDatabase(RunDirectory(path=runs / name), {"requests": REQUESTS}) as database:
            rows = database.rows(
                "requests",
                f"""
                WITH {begun_sql(kept)},
                timed AS (SELECT session, trace_id, scheduled_at, {within_sql("scheduled_at", kept)} AS block
                          FROM requests WHERE step IN ({chosen}) AND trace_id <> '')
                SELECT trace_id, scheduled_at, block FROM timed JOIN told USING (session) WHERE block IS NOT NULL
                  AND told.variant = {within_sql("scheduled_at", kept, letters=True)}
                """,  # noqa: S608 - quoted by texts(), and numbers
            )
        by_place = {one.place: one for one in kept}
        for trace, at, place in rows:
            one = by_place[place]
            number, whole = (at - one.starts_at) // BLOCK_NS, (one.ends_at - one.starts_at) // BLOCK_NS
            if number < whole:
                found[one.letter][trace] = place * _MOST_BLOCKS + number
    return found


def spans_of(job: ComparisonJob, runs: Path) -> pa.Table:
    """Return the spans of all runs of the job; raises BadInput."""
    return pa.concat_tables(read_spans(RunDirectory(path=runs / name)) for name in _by_run(job))


def _by_run(job: ComparisonJob) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    for one in kept_of(job):
        if one.block.invalid_because is None:
            found.setdefault(one.block.run, []).append(one)
    return found
