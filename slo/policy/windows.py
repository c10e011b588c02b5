"""Whether a criterion was breached in any window, when, by how much, and how often that happens by chance.

All of it from counts by second. A quantile is over its limit exactly when more requests than it leaves out took
longer, so that nothing but two counts a second is needed of any kind of criterion.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slo.policy.chance import Chance, chance_of_breach
from slo.policy.criteria import Criterion, RateCriterion, events_for_one

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_EPSILON = 1e-9
MAX_STRETCHES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """What a criterion counts in each second of the judged time.

    Of a ratio `part` of `whole` requests were bad. Of a rate `part` came of the `whole` that the plan wants, and
    `whole` holds `lag` seconds of before the judged time first: what was wanted then may come now.
    """

    part: Floats
    whole: Floats
    lag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time, in whole seconds of the judged time, all of whose windows are beyond the limit, and its worst one.

    `value` is the worst window's, a share of its requests or of the plan.
    """

    from_s: int
    to_s: int
    worst_from_s: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What the windows say; `value` is of the worst of those known, None where none is, `unknown` how many aren't."""

    windows: int
    unknown: int
    stretches: tuple[Stretch, ...]
    value: float | None
    worst_from_s: int
    held: float
    chance: Chance | None

    @property
    def breached(self) -> bool:
        """Whether any window is beyond the limit."""
        return bool(self.stretches)


def evaluate(criterion: Criterion, seconds: Seconds) -> Evaluated:
    """Evaluate a criterion in every window of the judged time; with no whole window nothing is known."""
    if len(seconds.part) < criterion.window_s:
        return Evaluated(windows=0, unknown=0, stretches=(), value=None, worst_from_s=0, held=0.0, chance=None)
    part, whole = _sums(criterion, seconds)
    is_rate = isinstance(criterion, RateCriterion)
    breached, unknown = (_under if is_rate else _over)(part, whole, criterion.limit)
    values = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    known = np.where(unknown | ~(whole > 0), np.nan, values)
    worst = _worst(known, least=is_rate)
    return Evaluated(
        windows=len(part),
        unknown=int(unknown.sum()),
        stretches=_stretches(breached, values, criterion.window_s, least=is_rate),
        value=None if worst is None else float(known[worst]),
        worst_from_s=worst or 0,
        held=float(np.median(whole)),
        chance=chance_of_breach(
            part=seconds.part,
            whole=_planned(seconds) if is_rate else seconds.whole,
            apart=_within(breached, criterion.window_s),
            window_s=criterion.window_s,
            limit=criterion.limit,
            under=is_rate,
        ),
    )


def _sums(criterion: Criterion, seconds: Seconds) -> tuple[Floats, Floats]:
    """Return both counts of each window; of a rate the least that the plan wants of it now, or wanted a lag before."""
    part = _sliding(seconds.part, criterion.window_s)
    if not isinstance(criterion, RateCriterion):
        return part, _sliding(seconds.whole, criterion.window_s)
    wanted = _sliding(seconds.whole, criterion.window_s)
    return part, np.minimum(wanted[seconds.lag :], wanted[: len(wanted) - seconds.lag])[: len(part)]


def _planned(seconds: Seconds) -> Floats:
    """Return what the plan wants of each second itself: the lesser of now and a lag before."""
    return np.minimum(seconds.whole[seconds.lag :], seconds.whole[: len(seconds.part)])


def _sliding(counts: Floats, window_s: int) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(counts)])
    return np.asarray(total[window_s:] - total[:-window_s])


def _over(bad: Floats, events: Floats, limit: float) -> tuple[Flags, Flags]:
    """Return which windows are over; one without a request, or with a single bad one among too few, tells nothing."""
    single = (bad <= 1) & (events < events_for_one(limit))
    beyond = bad > limit * events + _EPSILON
    return beyond & ~single, (events <= 0) | (beyond & single)


def _under(done: Floats, wanted: Floats, limit: float) -> tuple[Flags, Flags]:
    """Return which windows are under; one of which the plan wants less than one tells nothing."""
    tells = wanted >= 1
    return tells & (done < limit * wanted - _EPSILON), ~tells


def _worst(values: Floats, *, least: bool) -> int | None:
    if np.isnan(values).all():
        return None
    return int(np.nanargmin(values) if least else np.nanargmax(values))


def _within(breached: Flags, window_s: int) -> Flags:
    """Return the seconds that lie in any breached window."""
    steps = np.zeros(len(breached) + window_s, dtype=np.int64)
    steps[:-window_s] += breached
    steps[window_s:] -= breached
    return np.asarray(np.cumsum(steps)[:-1] > 0)


def _stretches(breached: Flags, values: Floats, window_s: int, *, least: bool) -> tuple[Stretch, ...]:
    """Return breached windows that overlap or touch as one stretch each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], _within(breached, window_s).astype(np.int8), [0]])))
    found = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        inside = np.where(breached[start : end - window_s + 1], values[start : end - window_s + 1], np.nan)
        worst = start + (_worst(inside, least=least) or 0)
        found.append(Stretch(from_s=start, to_s=end, worst_from_s=worst, value=float(values[worst])))
    return tuple(found)


def counted(stretches: Sequence[Stretch]) -> int:
    """Return how many seconds lie in the stretches."""
    return sum(one.to_s - one.from_s for one in stretches)
