"""Increases of Prometheus counters between given moments, from stored raw samples.

`increase()` extrapolates to its window's edges and loses a new series' first value (prometheus#1673, #3886). Here a
counter's value at a moment lies on the line between the samples around it; a fall is a restart from 0; a series born in
the window counts from 0, from its target's scrape before on. A target (`job`, `instance`) without samples close to both
sides of an edge makes the answer *no data*, and so does one that begins inside the window, unless its process is known
to have started there: one that was only not scraped would bring its whole past.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MARGIN_S = 15.0
"""How far from an edge of the judged window a sample may lie."""
_UNSEEN_S = 2.0
"""How much of the window's end may be without any later sample, as where a target ended there."""
PROCESS_START = "process_start_time_seconds"
CREATED = "_created"
_NS = 1_000_000_000
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class NoData(Exception):  # noqa: N818 - it is an outcome, not an error
    """The samples don't cover the question; the message is the reason, a sentence without its full stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """When a target's process started, and when that was seen (both ns)."""

    seen_at: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One counter's samples in the order of time."""

    labels: Mapping[str, str]
    at: Ints
    counted: Floats  # the value with restarts added up
    falls: int = 0  # how often it fell: a counter's restarts

    @property
    def target(self) -> tuple[str, str]:
        """Return the scraped process it comes from."""
        return self.labels.get("job", ""), self.labels.get("instance", "")

    def counted_at(self, moments: Ints) -> Floats:
        """Return what had been counted at each moment: 0 before the first sample, between two on their line."""
        between = np.interp(moments - self.at[0], self.at - self.at[0], self.counted)
        return np.where(moments >= self.at[0], between, 0.0)


def series_of(answers: pa.Table, query: str, starts_at: int, ends_at: int) -> tuple[Series, ...]:
    """Return the series stored for the raw `query`; raises NoData when it is missing or too short."""
    mask = pc.and_(pc.equal(answers["query"], query), pc.equal(answers["kind"], "raw"))
    rows: list[dict[str, Any]] = answers.filter(mask).to_pylist()
    if not rows:
        raise NoData(f"the run stored no raw answer to {query}")
    if any(row["asked_from"] > starts_at - MARGIN_S * _NS or row["asked_to"] < ends_at for row in rows):
        raise NoData(f"the stored answer to {query} does not cover the judged window and {MARGIN_S:.0f} s before it")
    return tuple(series for row in rows if (series := _series(row)) is not None)


def _series(row: Mapping[str, Any]) -> Series | None:
    at, value = np.array(row["at"], dtype=np.int64), np.array(row["value"], dtype=np.float64)
    known = np.isfinite(value)
    at, value = at[known], value[known]
    if not at.size:
        return None
    order = np.argsort(at, kind="stable")
    at, value = at[order], value[order]
    steps = np.diff(value, prepend=0.0)
    counted = np.cumsum(np.where(steps < 0, value, steps))
    labels = {str(name): str(text) for name, text in json.loads(row["labels"]).items()}
    return Series(labels=labels, at=at, counted=counted, falls=int((steps < 0).sum()))


def from_birth(series: Sequence[Series], seen: Sequence[Series]) -> tuple[Series, ...]:
    """Return `series`, each 0 at its target's last scrape before its first sample, as far as `seen` tells of one.

    What it first counts came in since then, as did what older series counted in that time.
    """
    scrapes: dict[tuple[str, str], list[Ints]] = {}
    for one in seen:
        scrapes.setdefault(one.target, []).append(one.at)
    moments = {target: np.unique(np.concatenate(at)) for target, at in scrapes.items()}
    return tuple(_from_birth(one, moments[one.target]) for one in series)


def _from_birth(one: Series, scrapes: Ints) -> Series:
    before = scrapes[scrapes < one.at[0]][-1:]
    at, counted = np.concatenate([before, one.at]), np.concatenate([np.zeros(before.size), one.counted])
    return Series(labels=one.labels, at=at, counted=counted)


def increases(series: Iterable[Series], edges: Sequence[int]) -> Floats:
    """Return how much the series' sum grew between each two neighbouring edges."""
    moments = np.array(edges, dtype=np.int64)
    total = np.zeros(len(edges))
    for one in series:
        total += one.counted_at(moments)
    return np.diff(total)


def births(answers: pa.Table) -> dict[tuple[str, str], tuple[Birth, ...]]:
    """Return by target when its processes started, from its own metric or, without it, its oldest `_created`."""
    processes, counters = dict[tuple[str, str], list[Birth]](), dict[tuple[str, str], list[Birth]]()
    raw = answers.filter(pc.equal(answers["kind"], "raw"))
    for row in raw.filter(pc.match_substring_regex(raw["query"], f"^{PROCESS_START}|{CREATED}")).to_pylist():
        labels = json.loads(row["labels"])
        target = str(labels.get("job", "")), str(labels.get("instance", ""))
        samples = zip(row["at"], row["value"], strict=True)
        known = [Birth(seen_at=at, start=round(value * _NS)) for at, value in samples if math.isfinite(value)]
        name = str(labels.get("__name__", ""))
        if name == PROCESS_START:
            processes.setdefault(target, []).extend(known)
        elif name.endswith(CREATED):
            counters.setdefault(target, []).extend(known)
    # Of counters the oldest counts: a new series is no new process.
    oldest = {target: (min(known, key=lambda one: one.start),) for target, known in counters.items() if known}
    return {**oldest, **{target: tuple(known) for target, known in processes.items() if known}}


def check_scraped(
    series: Sequence[Series],
    query: str,
    starts_at: int,
    ends_at: int,
    born: Mapping[tuple[str, str], Sequence[Birth]],
) -> None:
    """Raise NoData unless every target was scraped close to both edges, or is known to be born inside the window."""
    if not series:
        raise NoData(f"{query} has no samples: no traffic, the scrape down, or the metric renamed")
    targets: dict[tuple[str, str], list[Series]] = {}
    for one in series:
        targets.setdefault(one.target, []).append(one)
    sampled = {
        target: np.sort(np.concatenate([one.at for one in members])) for target, members in sorted(targets.items())
    }
    # One that is gone before the window, or born after it, had nothing to do with it.
    here = {target: at for target, at in sampled.items() if ((at > starts_at - MARGIN_S * _NS) & (at <= ends_at)).any()}
    if not any((at <= starts_at).any() for at in here.values()):
        raise NoData(f"{query} has no sample within {MARGIN_S:.0f} s before the judged window's start")
    for target, moments in here.items():
        what = f"{query} of {target[1] or 'its target'}"
        if (moments <= starts_at).any():
            _check_edge(moments, starts_at, what, "start")
        else:
            _check_born(_start_at(int(moments[0]), born.get(target, ())), starts_at, what)
        _check_edge(moments, ends_at, what, "end")


def _check_edge(moments: Ints, edge: int, what: str, name: str) -> None:
    before_s = (edge - int(moments[moments <= edge].max())) / _NS
    if before_s > MARGIN_S:
        raise NoData(f"{what} has no sample in the {before_s:.0f} s before the judged window's {name}: a scrape gap")
    later = moments[moments >= edge]
    after_s = (int(later.min()) - edge) / _NS if later.size else math.inf
    if after_s > MARGIN_S and before_s > _UNSEEN_S:
        unseen = f"{before_s:.0f} s before the judged window's {name} are in no sample"
        raise NoData(f"{what} has no sample in the {MARGIN_S:.0f} s after it, so the {unseen}")


def _start_at(moment: int, births_of_target: Sequence[Birth]) -> int | None:
    """Return the start of the process that ran at a moment: what started later is a restart, and had no past."""
    if not births_of_target:
        return None
    seen = [one.seen_at for one in births_of_target]
    last = max((at for at in seen if at <= moment), default=min(seen))
    return min(one.start for one in births_of_target if one.seen_at == last)


def _check_born(start: int | None, starts_at: int, what: str) -> None:
    if start is None:
        why = f"and neither {PROCESS_START} nor a {CREATED} series says that its process started there"
        raise NoData(f"{what} has its first sample inside the judged window, {why}: its past would count")
    if start <= starts_at:
        early_s = (starts_at - start) / _NS
        raise NoData(
            f"{what} has its first sample inside the judged window, but its process started {early_s:.0f} s before:"
            " a scrape gap"
        )
