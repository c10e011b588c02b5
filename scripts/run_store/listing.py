"""`runs list`: the runs here and in the store, one line each, the latest last."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from loadtests.run_store.aggregating import changes_of, identity_of
from loadtests.run_store.entries import StoreEntry
from loadtests.run_store.local_runs import LocalRun
from loadtests.run_store.season import NOT_JUDGED, day_of
from loadtests.run_store.store import Contents
from slo.formatting import clean, clip

_LINE = "{:<17} {:<13} {:<20} {:<13} {:<12} {:<9} {}"
_ACTIVE = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run; `here` and `in_store` say where it is, `records` whether its raw records are in the store."""

    run: str
    started_at: int | None
    outcome: str | None
    release: str | None
    plan: str | None
    environment: str | None
    here: bool
    in_store: bool
    records: bool
    finished: bool
    changed: bool
    marks: tuple[str, ...] = ()
    because: str | None = None


def rows(local: Sequence[LocalRun], contents: Contents) -> list[Row]:
    """Return a row for each run, by time; one that is here and in the store is one row."""
    stored = {one.run: one for one in contents.entries}
    marks: dict[str, list[str]] = {}
    for mark in contents.marks:
        marks.setdefault(mark.run, []).append(f"baseline {mark.name}" if mark.kind == "baseline" else "kept")
    found = {one.name: _local(one, stored.get(one.name), marks) for one in local}
    found |= {name: _stored(one, marks) for name, one in stored.items() if name not in found}
    return sorted(found.values(), key=lambda one: (one.started_at or 0, one.run))


def _local(one: LocalRun, stored: StoreEntry | None, marks: Mapping[str, list[str]]) -> Row:
    run = one.run
    return Row(
        run=one.name,
        started_at=run.started_at if run else None,
        outcome=one.outcome,
        release=identity_of(run).release if run else None,
        plan=run.plan.name if run and run.plan else None,
        environment=run.environment.name if run and run.environment else None,
        here=True,
        in_store=stored is not None,
        records=stored is not None and stored.records is not None,
        finished=one.is_finished,
        changed=run is not None and any(True for _ in changes_of(run)),
        marks=tuple(marks.get(one.name, ())),
        because=one.because,
    )


def _stored(one: StoreEntry, marks: Mapping[str, list[str]]) -> Row:
    return Row(
        run=one.run,
        started_at=one.started_at,
        outcome=one.outcome,
        release=one.identity.release,
        plan=one.plan,
        environment=one.environment,
        here=False,
        in_store=True,
        records=one.records is not None,
        finished=True,
        changed=one.changed,
        marks=tuple(marks.get(one.run, ())),
    )


def lines(found: Sequence[Row], contents: Contents, *, left_out: int) -> Iterator[str]:
    """Return the list for people; what can't be used is said below it."""
    if found:
        yield _LINE.format("started (UTC)", "verdict", "release", "plan", "environment", "where", "run")
    yield from (_row(one) for one in found)
    if not found:
        yield "no run yet: `peakproof demo` or `peakproof gate` makes one"
    if left_out:
        yield f"and {left_out:,} earlier: --last N shows more, --json all"
    yield from unusable_lines(contents)


def unusable_lines(contents: Contents) -> Iterator[str]:
    """Return what of a store can't be used, and why."""
    for run in contents.partly_written:
        yield f"partly written: {clean(run)}: not counted; `peakproof runs put {clean(run)}` writes it whole"
    yield from (f"can't be used: {clean(because)}" for because in contents.unusable.values())


def as_json(found: Sequence[Row], contents: Contents) -> str:
    """Return the list for programs."""
    return json.dumps(
        {
            "runs": [asdict(one) for one in found],
            "partly_written": list(contents.partly_written),
            "unusable": contents.unusable,
        }
    )


def _row(one: Row) -> str:
    verdict = one.outcome or (NOT_JUDGED if one.finished else _ACTIVE if one.because is None else "unreadable")
    where = {(True, False): "here", (True, True): "both", (False, True): "store"}[one.here, one.in_store]
    gone = "" if one.records or one.here else ", no raw records"
    name = ", ".join([one.run, *one.marks, *(["changed while it was played"] if one.changed else [])])
    columns = (verdict, one.release or "unknown", one.plan or "unknown", one.environment or "unknown", where)
    widths = (13, 20, 13, 12, 9)
    shown = [clip(clean(text), width) for text, width in zip(columns, widths, strict=True)]
    return _LINE.format(day_of(one.started_at), *shown, clean(name) + gone)
