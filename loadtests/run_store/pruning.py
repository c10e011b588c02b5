"""Which raw records may go: those older than some days that are neither marked nor the latest, of finished runs."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from loadtests.run_store.local_comparisons import LocalComparison
from loadtests.run_store.local_runs import NAME, LocalRun
from loadtests.run_store.store import Contents

DAYS = 30
_DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """Something that may go: a run directory or a comparison here, a run's records or a part of one in the store."""

    what: Literal["directory", "comparison", "records", "partly written"]
    run: str
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """An old run that stays nevertheless, and why."""

    run: str
    because: str


def prunable(
    local: Sequence[LocalRun],
    contents: Contents,
    *,
    now: int,
    days: int,
    comparisons: Sequence[LocalComparison] = (),
) -> tuple[tuple[Prunable, ...], tuple[Staying, ...]]:
    """Return what may go, and what is old and stays; `now` in ns.

    The latest run is the latest here, and the latest in the store, whatever its verdict. A comparison goes by the same
    rules; of one whose run is marked nothing goes.
    """
    before = now - days * _DAY_NS
    marked = {mark.run for mark in contents.marks}
    broken_marks = sorted(name for name in contents.unusable if name.startswith("marks/"))
    if broken_marks:
        # A mark that can't be read may be any run's.
        because = f"a mark can't be read, so it may be marked: {broken_marks[0]}"
        names = [*(one.name for one in local), *(one.name for one in comparisons)]
        return (), tuple(Staying(run=name, because=because) for name in names if _at(name) < before)
    found = [
        *_directories(local, marked, before),
        *_comparisons(comparisons, marked, before),
        *_records(contents, marked, before),
    ]
    going = tuple(one for one in found if isinstance(one, Prunable))
    return going, tuple(one for one in found if isinstance(one, Staying))


def _directories(local: Sequence[LocalRun], marked: Collection[str], before: int) -> Iterator[Prunable | Staying]:
    latest = local[-1].name if local else None
    for one in local:
        if _at(one.name) >= before:
            continue
        because = _why_it_stays(one, latest, marked)
        if because is None:
            yield Prunable(what="directory", run=one.name, path=one.path)
        else:
            yield Staying(run=one.name, because=because)


def _comparisons(
    comparisons: Sequence[LocalComparison], marked: Collection[str], before: int
) -> Iterator[Prunable | Staying]:
    for one in comparisons:
        if _at(one.name) >= before:
            continue
        because = one.why_it_stays(marked)
        if because is None and one is comparisons[-1]:
            because = "the latest comparison"
        if because is None:
            yield Prunable(what="comparison", run=one.name, path=one.path)
        else:
            yield Staying(run=one.name, because=because)


def _why_it_stays(one: LocalRun, latest: str | None, marked: Collection[str]) -> str | None:
    if one.run is None:
        return f"can't be read: {one.because}"
    if not one.is_finished:
        return f"not finished: it is played now, or was killed: then `peakproof judge {one.name}` ends it"
    if one.name in marked:
        return "marked"
    return "the latest" if one.name == latest else None


def _records(contents: Contents, marked: Collection[str], before: int) -> Iterator[Prunable | Staying]:
    latest = contents.entries[-1].run if contents.entries else None
    for entry in contents.entries:
        is_old = (entry.started_at or _at(entry.run)) < before
        if entry.records is None or not is_old:
            continue
        if entry.run in marked or entry.run == latest:
            yield Staying(run=entry.run, because="marked" if entry.run in marked else "the latest in the store")
        else:
            yield Prunable(what="records", run=entry.run)
    yield from (Prunable(what="partly written", run=run) for run in contents.partly_written if _at(run) < before)


def _at(name: str) -> int:
    """Return the time in a run's name, in ns; a name without one is of now, so never old."""
    found = NAME.match(name)
    try:
        at = datetime.strptime(found[1] if found else "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return 1 << 62
    return int(at.timestamp()) * 1_000_000_000
