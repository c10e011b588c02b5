"""The design effect: how many events that fail together weigh as much as one independent event.

Requests fail together in two ways. An *error burst* fails what comes in during it: seen as the scatter of bad counts
over 20 equal blocks of the judged window, about each step's own mean, over the binomial variance. A *shopper* whose
basket, account or article is broken fails all of her requests, minutes apart, which no block shows: seen as the same
scatter over sessions. Both together are two-way clustering (Cameron, Gelbach and Miller 2011): the sum of both less 1.

Corrections of what was measured over blocks:

- Korn and Graubard's (t / z)² (1998) for the degrees of freedom it rests on;
- the excess over 1 times 1 + 2 / k, with k = bad events / design effect, the number of bursts seen: were bursts'
  sizes exponential, k of them would hide 1 / k of the sizes' own variance, and know their mean no better than to
  1 / k. It fades as bursts are seen. The same holds for sessions.

A shop whose errors grow with the load is no shop of huge bursts: to show a *miss*, residuals are about each step's
mean in each third of the window. To show an objective *met*, the larger of both counts, and never less than
1 + assumed burst x rate: a run can't tell of bursts that it holds none of, however many requests it makes. Where fewer
than 20 events are bad (or good), or there are fewer than 20 blocks, that is the least for a miss as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from slo.formatting import count, seconds
from slo.special_functions import special
from slo.statistics import ALPHA, upper_bad_ratio

BLOCKS = 20
MIN_BLOCK_S = 3.0
MIN_BAD_MEASURED = 20
_THIRDS = 3
_UNSEEN = 2.0
_HALVINGS = 40
_CHANCE_SCATTER = 1.8
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCounts:
    """One step's events and bad events in each block of the judged window, in order.

    They are whole where events are counted one by one, and parts of one where they are ratios.
    """

    step: str
    events: tuple[float, ...]
    bad: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse impossible counts."""
        if len(self.events) != len(self.bad):
            raise ValueError(f"{len(self.events)} blocks of events but {len(self.bad)} of bad events")
        if any(not 0 <= bad <= events for events, bad in zip(self.events, self.bad, strict=True)):
            raise ValueError(f"bad events of {self.step} must lie between 0 and the block's events")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignEffect:
    """How many clustered events weigh as much as one independent one, at least 1, and where that is known from."""

    value: float
    known_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignEffects:
    """Of one objective: what showing it met divides its counts by, and what showing it missed does."""

    met: DesignEffect
    miss: DesignEffect

    def weighted(self, weighting: float) -> "DesignEffects":
        """Return them of events that don't weigh the same: Kish's design effect multiplies them."""
        if weighting <= 1.0:
            return self
        return DesignEffects(met=_weighted(self.met, weighting), miss=_weighted(self.miss, weighting))


def _weighted(effect: DesignEffect, weighting: float) -> DesignEffect:
    known_from = f"{effect.known_from}, and unequal weights"
    return DesignEffect(value=effect.value * weighting, known_from=known_from)


def blocks_of(duration_s: float) -> int:
    """Return how many blocks a window of `duration_s` is cut into: 20, or fewer of 3 s, at least 1."""
    return max(1, min(BLOCKS, int(duration_s / MIN_BLOCK_S)))


def thirds_of(blocks: int) -> tuple[slice, ...]:
    """Return the places of the first, second and last third of so many blocks."""
    edges = [blocks * third // _THIRDS for third in range(_THIRDS + 1)]
    return tuple(slice(start, end) for start, end in pairwise(edges))


def assumed_design_effect(rate_per_s: float, assumed_error_burst_s: float) -> float:
    """Return the design effect of error bursts as long as the plan assumes them, at so many events a second."""
    return 1.0 + assumed_error_burst_s * rate_per_s


def planned_design_effect(rate_per_s: float, assumed_error_burst_s: float) -> float:
    """Return the design effect to plan with: what will be measured, of errors that don't cluster, is rarely larger.

    The scatter over 20 blocks of independent errors is one of chance, and larger than 1.8 in one run of twenty or so.
    """
    return max(_CHANCE_SCATTER, assumed_design_effect(rate_per_s, assumed_error_burst_s))


def design_effects(
    counts: Sequence[StepCounts],
    *,
    rate_per_s: float,
    assumed_error_burst_s: float,
    session_scatter: float | None = None,
) -> DesignEffects:
    """Return both design effects of an objective that had `rate_per_s` events a second.

    `session_scatter` is the variance of the sessions' bad counts about what their steps' means give, over the binomial
    one; None where sessions aren't known, as in a server's counters.
    """
    blocks = min((len(step.events) for step in counts), default=0)
    bad, events = sum(sum(step.bad) for step in counts), sum(sum(step.events) for step in counts)
    sessions = _of_sessions(session_scatter, bad) - 1.0
    ways = ((slice(0, blocks),), thirds_of(blocks)) if blocks >= BLOCKS else ()
    measured = [_measured(counts, parts, blocks) + sessions for parts in ways] or [1.0 + sessions]
    over = f"over {blocks} blocks" + ("" if session_scatter is None else " and over sessions")
    enough = blocks >= BLOCKS and min(bad, events - bad) >= MIN_BAD_MEASURED
    few = "" if enough else f", on {count(bad)} bad events"
    assumed = DesignEffect(
        value=assumed_design_effect(rate_per_s, assumed_error_burst_s),
        known_from=f"assumed error bursts of {seconds(assumed_error_burst_s)}",
    )
    larger = DesignEffect(value=max(measured), known_from=f"measured {over}{few}")
    met = max(assumed, larger, key=lambda effect: effect.value)
    in_thirds = DesignEffect(value=measured[-1], known_from=f"measured {over}, in thirds")
    return DesignEffects(met=met, miss=in_thirds if enough else met)


def longest_error_burst_s(bad: float, events: int, budget: float, rate_per_s: float, alpha: float = ALPHA) -> float:
    """Return how long error bursts may be for an objective still to be shown met by these counts, 0 when it isn't."""
    if rate_per_s <= 0:
        return 0.0
    low, high = 1.0, float(events)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_bad_ratio(bad, events, middle, alpha) <= budget else (low, middle)
    return (low - 1.0) / rate_per_s


def _of_sessions(scatter: float | None, bad: float) -> float:
    if scatter is None or bad <= 0:
        return 1.0
    return 1.0 + max(0.0, scatter - 1.0) * (1.0 + _UNSEEN * scatter / bad)


def _measured(counts: Sequence[StepCounts], parts: Sequence[slice], blocks: int) -> float:
    """Residuals about each step's mean in each part, summed over steps: what fails together is one cluster."""
    residuals, binomial, bad_total = np.zeros(blocks), 0.0, 0.0
    for step in counts:
        all_events, all_bad = np.array(step.events, dtype=float), np.array(step.bad, dtype=float)
        bad_total += float(all_bad.sum())
        for part in parts:
            events, bad = all_events[part], all_bad[part]
            total = float(events.sum())
            mean = float(bad.sum()) / total if total else 0.0
            residuals[part] += bad - mean * events
            binomial += total * mean * (1 - mean)
    if binomial <= 0:
        return 1.0
    freedom = blocks - len(parts)
    raw = blocks / freedom * float((residuals**2).sum()) / binomial
    adjusted = raw * float((special().stdtrit(freedom, 1 - ALPHA) / special().ndtri(1 - ALPHA)) ** 2)
    bursts = max(1.0, bad_total / max(1.0, adjusted))
    return 1.0 + max(0.0, adjusted - 1.0) * (1.0 + _UNSEEN / bursts)
