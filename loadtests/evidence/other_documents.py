"""What a run directory says of its run beside `run.json`, to hold that against it."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from loadtests.demand.arrivals import revised
from loadtests.demand.plan import Plan
from loadtests.demand.revision import Revision, revised_curve
from loadtests.evidence.manifest import Manifest
from loadtests.results.live_document import read_live
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import WorkerStatus, read_workers
from slo.validity.consistency import OtherDocuments
from slo.validity.run_document import RunDocument

_DRAWN = 100_000
"""Up to so many arrivals are drawn again, beyond that their number is bounded."""
_SIGMAS = 7.0
_RAW = pa.scalar("raw")


def other_documents(
    directory: RunDirectory, plan: Plan, run: RunDocument, answers: pa.Table, manifest: Manifest | None
) -> OtherDocuments:
    """Read the documents; raises BadInput for one that is malformed."""
    live = read_live(directory.live) if directory.live.is_file() else None
    workers, revisions = read_workers(directory), read_revisions(directory)
    runs = {} if live is None else {"live.json": live.run}
    return OtherDocuments(
        runs=runs if manifest is None else {**runs, "manifest.json": manifest.document.run},
        plan=plan.name,
        plan_sha256=hashlib.sha256(directory.plan.read_bytes()).hexdigest(),
        seed=plan.seed,
        starts_s=plan.starts_s(),
        judged_s=plan.judged_span(),
        arrivals=_arrivals(plan, revisions, run),
        revisions=tuple((one.number, one.at_s, one.factor) for one in revisions),
        live_started_at=None if live is None else live.started_at,
        sent=sum(one.requests for one in workers) if workers else None,
        errors=sum(one.errors for one in workers) if workers else None,
        accepted_5xx=_accepted(workers),
        parts=None if manifest is None else _parts(manifest),
        ledger_rows=None if manifest is None else _ledger_rows(manifest),
        part_rows=None if manifest is None else _part_rows(manifest),
        samples=samples_of(answers),
    )


def samples_of(answers: pa.Table) -> int:
    """Return how many samples the raw answers of Prometheus hold."""
    raw = answers.filter(pc.equal(answers["kind"], _RAW))
    return int(pc.sum(pc.list_value_length(raw["at"])).as_py() or 0)


def _arrivals(plan: Plan, revisions: Sequence[Revision], run: RunDocument) -> tuple[int, int]:
    """Return the fewest and the most sessions of a plan: what a change of it struck may have been played."""
    struck = sum(sum((one.struck_started or {}).values()) for one in run.plan_revisions or ())
    expected = revised_curve(plan.curve(), revisions).total
    if expected > _DRAWN:
        apart = math.ceil(_SIGMAS * math.sqrt(expected))
        return max(0, math.floor(expected) - apart), math.ceil(expected) + apart + struck
    planned = len(revised(plan, revisions))
    return planned, planned + struck


def _accepted(workers: Sequence[WorkerStatus]) -> int | None:
    known = [one.accepted_5xx for one in workers if one.accepted_5xx is not None]
    return sum(known) if workers and len(known) == len(workers) else None


def _parts(manifest: Manifest) -> Counter[str]:
    """Return how many parts of requests and sessions each worker has."""
    kinds = ("requests-", "sessions-")
    names = (path.partition("-")[2] for path in manifest.listed() if path.startswith(kinds))
    return Counter(name.rpartition("-")[0] for name in names)


def _ledger_rows(manifest: Manifest) -> dict[str, int]:
    found = ((path, one.entry.rows or 0) for path, one in manifest.listed().items() if path.startswith("ledger-"))
    return {path.removeprefix("ledger-").removesuffix(".jsonl"): rows for path, rows in found}


def _part_rows(manifest: Manifest) -> Counter[str]:
    rows: Counter[str] = Counter()
    for path, one in manifest.listed().items():
        rows[path.split("-", 1)[0]] += one.entry.rows or 0 if path.endswith(".parquet") else 0
    return rows
