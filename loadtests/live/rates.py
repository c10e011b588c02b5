"""Criteria on what comes a minute, of orders and of good replies, while the run goes on: for eyes alone.

The verdict counts every window from the complete records and ledgers, by the second in which a reply came. Here a
window is what was reported in its time, held against the plan as it is revised by now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtests.demand.plan import Plan
from loadtests.demand.planned_rates import each_session, lag_s
from loadtests.demand.visits import uncounted
from loadtests.live.criterion_entry import entry_of
from loadtests.results.live_document import Criterion as CriterionEntry
from slo.policy.criteria import Criterion, OrdersCriterion, RateCriterion

_LEAST_WANTED = 1.0


def rates_of(criteria: Sequence[Criterion], plan: Plan) -> Iterator["FollowedRate"]:
    """Yield what follows each criterion on a rate; none where the plan doesn't say how much of it is wanted."""
    if uncounted(plan):
        return
    for one in criteria:
        if isinstance(one, RateCriterion) and (each := each_session(one, plan)) > 0:
            yield FollowedRate(criterion=one, each_session=each, lag_s=lag_s(plan), judged_s=plan.judged_span())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What had come, and what had been wanted, by a time since the start."""

    at_s: float
    done: int
    wanted: float


_START = _Sample(at_s=0.0, done=0, wanted=0.0)


@dataclass(slots=True, kw_only=True)
class FollowedRate:
    """One criterion's last window, and for how many seconds it has been beyond its limit.

    Each planned session is to make `each_session` of it, at once or `lag_s` later; `judged_s` is the judged time in
    seconds from the start, in which a window must lie as a whole.
    """

    criterion: RateCriterion
    each_session: float
    lag_s: float
    judged_s: tuple[float, float]
    beyond_s: int = 0
    value: float | None = None
    is_beyond: bool = False
    _samples: list[_Sample] = field(default_factory=lambda: [_START])

    @property
    def steps(self) -> tuple[str, ...] | None:
        """The steps whose good replies are counted, all where it is empty; None where orders are."""
        return None if isinstance(self.criterion, OrdersCriterion) else self.criterion.steps

    def close_second(self, at_s: float, done: int, sessions_per_s: float) -> None:
        """Take what had come by the end of a second, and the sessions that the plan wants a second by then."""
        last = self._samples[-1]
        wanted = last.wanted + (at_s - last.at_s) * sessions_per_s * self.each_session
        self._samples.append(_Sample(at_s=at_s, done=done, wanted=wanted))
        window_s, (start_s, end_s) = self.criterion.window_s, self.judged_s
        if start_s + window_s <= at_s <= end_s:
            self._judge(done - self._by(at_s - window_s).done, min(self._wanted(at_s), self._wanted(at_s - self.lag_s)))
        oldest = self._by(at_s - window_s - self.lag_s - 1)
        del self._samples[: self._samples.index(oldest)]

    def _judge(self, done: int, wanted: float) -> None:
        tells = wanted >= _LEAST_WANTED
        self.value = done / wanted if tells else None
        self.is_beyond = tells and done < self.criterion.limit * wanted
        self.beyond_s += self.is_beyond

    def _wanted(self, to_s: float) -> float:
        """Return what was wanted in the window that ends then."""
        return self._by(to_s).wanted - self._by(to_s - self.criterion.window_s).wanted

    def _by(self, at_s: float) -> _Sample:
        """Return the last sample by then, the first where there is none."""
        return next((one for one in reversed(self._samples) if one.at_s <= at_s), self._samples[0])

    @property
    def entry(self) -> CriterionEntry:
        """It for the live snapshot; the value is the share of the plan that came."""
        return entry_of(self.criterion, self.value, is_beyond=self.is_beyond, beyond_s=self.beyond_s)
