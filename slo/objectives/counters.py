"""Increases of Prometheus counters between given moments, from stored raw samples.

`increase()` extrapolates to its window's edges and loses a new series' first value (prometheus#1673, #3886). Here a
counter's value at a moment is its last sample at or before it; a fall is a restart from 0; a series born in the
window counts from 0. A target (`job`, `instance`) that has no sample close to an edge makes the answer *no data*.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MARGIN_S = 15.0
_NS = 1_000_000_000
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class NoData(Exception):  # noqa: N818 - it is an outcome, not an error
    """The samples don't cover the question; the message is the reason, a sentence without its full stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One counter's samples in the order of time."""

    labels: Mapping[str, str]
    at: Ints
    counted: Floats  # the value with restarts added up

    @property
    def target(self) -> tuple[str, str]:
        """Return the scraped process it comes from."""
        return self.labels.get("job", ""), self.labels.get("instance", "")

    def counted_at(self, moments: Ints) -> Floats:
        """Return what had been counted at each moment; 0 before the first sample."""
        index = np.searchsorted(self.at, moments, side="right") - 1
        return np.where(index >= 0, self.counted[np.maximum(index, 0)], 0.0)


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
    return Series(labels=labels, at=at, counted=counted)


def increases(series: Iterable[Series], edges: Sequence[int]) -> Floats:
    """Return how much the series' sum grew between each two neighbouring edges."""
    moments = np.array(edges, dtype=np.int64)
    total = np.zeros(len(edges))
    for one in series:
        total += one.counted_at(moments)
    return np.diff(total)


def check_scraped(series: Sequence[Series], query: str, starts_at: int, ends_at: int) -> None:
    """Raise NoData unless every target was scraped close to both edges, or was born inside the window."""
    if not series:
        raise NoData(f"{query} has no samples: no traffic, the scrape down, or the metric renamed")
    targets: dict[tuple[str, str], list[Series]] = {}
    for one in series:
        targets.setdefault(one.target, []).append(one)
    seen_at_start = False
    for (_, instance), members in sorted(targets.items()):
        moments = np.concatenate([one.at for one in members])
        if not ((moments > starts_at - MARGIN_S * _NS) & (moments <= ends_at)).any():
            continue  # gone before the window: it had nothing to do with it
        if (moments <= starts_at).any():
            seen_at_start = True
            _check_edge(moments, starts_at, f"{query} of {instance or 'its target'}", "start")
        _check_edge(moments, ends_at, f"{query} of {instance or 'its target'}", "end")
    if not seen_at_start:
        raise NoData(f"{query} has no sample within {MARGIN_S:.0f} s before the judged window's start")


def _check_edge(moments: Ints, edge: int, what: str, name: str) -> None:
    gap_s = (edge - int(moments[moments <= edge].max())) / _NS
    if gap_s > MARGIN_S:
        raise NoData(f"{what} has no sample in the {gap_s:.0f} s before the judged window's {name}: a scrape gap")
