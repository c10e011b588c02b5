"""Shops of known truth: each plays many runs at once, as counts of all and of bad requests between given moments.

Requests come as a Poisson process. How they fail is what the shops differ in: each by itself, in error bursts, all of
one shopper's, or only at the end.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What many runs counted: `events` and `bad` by run and span of time, the scatter over sessions by run.

    `session_scatter` is what `slo.objectives.indicators.Evidence` has; None where sessions aren't known.
    """

    events: Ints
    bad: Ints
    session_scatter: Floats | None = None


class Shop(Protocol):
    """What every shop does."""

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play `runs` from 0 to the last of `edges_s`, between which requests are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """Each request is bad by itself; `session_requests` is how many a shopper makes, None where nobody knows."""

    rate_per_s: float
    bad_ratio: float
    session_requests: int | None = None

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play."""
        events = rng.poisson(self.rate_per_s * np.diff(edges_s), (runs, len(edges_s) - 1))
        bad = rng.binomial(events, self.bad_ratio)
        each = self.session_requests
        scatter = None if each is None else np.array([_at_random(rng, *run, each) for run in _totals(events, bad)])
        return Played(events=events, bad=bad, session_scatter=scatter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Each request is bad by itself, but only in the last third; `bad_ratio` is the whole run's."""

    rate_per_s: float
    bad_ratio: float

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play."""
        late_s = np.diff(np.maximum(edges_s, edges_s[-1] * 2 / 3))
        late = rng.poisson(self.rate_per_s * late_s, (runs, len(late_s)))
        early = rng.poisson(self.rate_per_s * (np.diff(edges_s) - late_s), (runs, len(late_s)))
        return Played(events=early + late, bad=rng.binomial(late, 3 * self.bad_ratio))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Error bursts: a two-state Markov process, exponential bursts of `mean_s`, in which `bad_within` of all is bad."""

    rate_per_s: float
    bad_ratio: float
    mean_s: float
    bad_within: float = 0.5

    @property
    def share(self) -> float:
        """Return the share of time that is a burst."""
        return self.bad_ratio / self.bad_within

    def bursts(self, duration_s: float) -> float:
        """Return how many bursts such a run holds on average."""
        return duration_s * self.share / self.mean_s

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play."""
        return self.requests(rng, self.burst_s(rng, runs, edges_s), edges_s)

    def requests(self, rng: np.random.Generator, burst_s: Floats, edges_s: Floats) -> Played:
        """Play requests during given seconds of bursts by run and span."""
        length_s = np.diff(edges_s)
        burst_s = np.clip(burst_s, 0.0, length_s)
        inside = rng.poisson(self.rate_per_s * burst_s)
        outside = rng.poisson(self.rate_per_s * (length_s - burst_s))
        return Played(events=inside + outside, bad=rng.binomial(inside, self.bad_within))

    def burst_s(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Floats:
        """Return the seconds in bursts by run and span."""
        between_s = self.mean_s * (1 - self.share) / self.share
        cycles = edges_s[-1] / (self.mean_s + between_s)
        bursts = int(cycles + 8 * np.sqrt(cycles) + 20)
        chunk = max(1, _CHUNK // bursts)
        parts = [self._bursts(rng, min(chunk, runs - done), bursts) for done in range(0, runs, chunk)]
        return np.array(
            [
                np.diff(np.interp(edges_s, ends_s, burst_s))
                for part in parts
                for ends_s, burst_s in zip(*part, strict=True)
            ]
        )

    def _bursts(self, rng: np.random.Generator, runs: int, bursts: int) -> tuple[Floats, Floats]:
        """Return when each burst or pause ends, and the seconds in bursts until then."""
        between_s = self.mean_s * (1 - self.share) / self.share
        first = rng.random(runs) < self.share
        bursting = np.logical_xor(np.arange(2 * bursts)[None, :] % 2 == 1, first[:, None])
        length_s = rng.exponential(1.0, bursting.shape) * np.where(bursting, self.mean_s, between_s)
        start = np.zeros((runs, 1))
        ends_s = np.concatenate([start, np.cumsum(length_s, axis=1)], axis=1)
        return ends_s, np.concatenate([start, np.cumsum(length_s * bursting, axis=1)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenSessions:
    """`bad_ratio` of the shoppers get nothing but bad replies, each request a think time of mean `think_s` on.

    A shopper makes `requests`, on average unless `fixed`.
    """

    sessions_per_s: float
    bad_ratio: float
    requests: int
    think_s: float
    fixed: bool = False

    @property
    def rate_per_s(self) -> float:
        """Return the requests a second."""
        return self.sessions_per_s * self.requests

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play."""
        played = [self._one(rng, edges_s) for _ in range(runs)]
        events, bad, scatter = (np.array([run[part] for run in played]) for part in range(3))
        return Played(events=events, bad=bad, session_scatter=scatter)

    def _one(self, rng: np.random.Generator, edges_s: Floats) -> tuple[Ints, Ints, float]:
        before_s = 4 * self.requests * self.think_s  # who came earlier is gone
        end_s = float(edges_s[-1])
        sessions = rng.poisson(self.sessions_per_s * (end_s + before_s))
        each = np.full(sessions, self.requests) if self.fixed else rng.geometric(1 / self.requests, sessions)
        first = np.cumsum(each) - each
        session = np.repeat(np.arange(sessions), each)
        thought_s = rng.exponential(self.think_s, len(session))
        thought_s[first] = rng.uniform(-before_s, end_s, sessions)
        elapsed_s = np.cumsum(thought_s)
        before_session_s = np.concatenate([[0.0], elapsed_s])[first]
        at_s = elapsed_s - before_session_s[session]
        judged = (at_s >= 0) & (at_s < end_s)
        broken = rng.random(sessions) < self.bad_ratio
        span = np.searchsorted(edges_s, at_s[judged], side="right") - 1
        bad = broken[session[judged]]
        events, bads = (np.bincount(some, minlength=len(edges_s) - 1) for some in (span, span[bad]))
        per_session = np.bincount(session[judged], minlength=sessions)
        return events, bads, scatter_of(per_session, per_session * broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One server that is busy for `utilisation` of the time, and a limit that `bad_ratio` of all replies exceed.

    Service times are log-normal with a coefficient of variation `cv`. Runs are stretches of one long stream.
    """

    rate_per_s: float
    bad_ratio: float
    utilisation: float
    cv: float = 1.0

    @property
    def relaxation_s(self) -> float:
        """Return how long the queue remembers."""
        return (1 + self.cv**2) * self.utilisation / self.rate_per_s / (1 - self.utilisation) ** 2

    def play(self, rng: np.random.Generator, runs: int, edges_s: Floats) -> Played:
        """Play."""
        start_s, end_s = 10 * self.relaxation_s, float(edges_s[-1])
        requests = int((start_s + runs * end_s) * self.rate_per_s * 1.02) + 1000
        at_s = np.cumsum(rng.exponential(1 / self.rate_per_s, requests))
        took_s = self._took_s(rng, at_s)
        kept = (at_s >= start_s) & (at_s < start_s + runs * end_s)
        run, in_run_s = np.divmod(at_s[kept] - start_s, end_s)
        bad = took_s[kept] > np.quantile(took_s[kept], 1 - self.bad_ratio)
        blocks = len(edges_s) - 1
        block = np.clip(np.searchsorted(edges_s, in_run_s, side="right") - 1, 0, blocks - 1)
        cell = run.astype(np.int64) * blocks + block
        events, bads = (np.bincount(some, minlength=runs * blocks).reshape(runs, blocks) for some in (cell, cell[bad]))
        return Played(events=events, bad=bads)

    def _took_s(self, rng: np.random.Generator, at_s: Floats) -> Floats:
        """Return wait and service by Lindley's recursion, as a running minimum."""
        variance = np.log1p(self.cv**2)
        mean_s = np.log(self.utilisation / self.rate_per_s) - variance / 2
        service_s = rng.lognormal(mean_s, np.sqrt(variance), len(at_s))
        walk = np.concatenate([[0.0], np.cumsum(service_s[:-1] - np.diff(at_s))])
        took_s: Floats = walk - np.minimum.accumulate(walk) + service_s
        return took_s


def scatter_of(events: Ints, bad: Ints) -> float:
    """Return the variance of the sessions' bad counts about the mean, over the binomial one, of one step."""
    total, bads = int(events.sum()), int(bad.sum())
    if not 0 < bads < total:
        return 1.0
    ratio = bads / total
    return float(((bad - ratio * events) ** 2).sum()) / (total * ratio * (1 - ratio))


def _totals(events: Ints, bad: Ints) -> list[tuple[int, int]]:
    return list(zip(events.sum(axis=1).tolist(), bad.sum(axis=1).tolist(), strict=True))


def _at_random(rng: np.random.Generator, events: int, bad: int, each: int) -> float:
    """Return the scatter over sessions of `each` requests when so many bad ones fall on them at random."""
    sessions = -(-events // each)
    if not sessions:
        return 1.0
    per_session = np.full(sessions, each)
    per_session[-1] = events - each * (sessions - 1)
    places = rng.choice(events, bad, replace=False, shuffle=False) // each
    return scatter_of(per_session, np.bincount(places, minlength=sessions))
