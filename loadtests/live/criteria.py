"""Criteria over windows while the run goes on: those that the requests' own records show, for eyes alone.

The verdict counts every window from the complete records, by the second in which a request was scheduled. Here a
window is the last seconds as they were reported, so what is said is close to it, no more. `rates` follows what comes a
minute, of orders and of good replies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtests.demand.plan import Plan
from loadtests.demand.visits import expected_events, uncounted
from loadtests.live.criterion_entry import entry_of
from loadtests.live.so_far import Judged
from loadtests.live.worker_figures import Watch
from loadtests.results.live_document import Criterion as CriterionEntry
from loadtests.results.records import StepRecord
from loadtests.results.run_directory import RunDirectory
from slo.objectives.indicators import Asked
from slo.policy.criteria import Criterion, RateCriterion, events_for_one
from slo.policy.policy import read_policy


def criteria_of(directory: RunDirectory) -> tuple[Criterion, ...]:
    """Return the criteria of the run's policy, none without one; raises BadInput."""
    return read_policy(directory.policy).criteria if directory.policy.exists() else ()


def criteria_watches(criteria: Sequence[Criterion], plan: Plan) -> Iterator[Watch]:
    """Yield a watch for each criterion that is followed; an error ratio of all steps only where these are known."""
    every = frozenset() if uncounted(plan) else frozenset(expected_events(plan))
    for one in criteria:
        if isinstance(one, RateCriterion):
            continue
        steps = frozenset(one.asked.steps) or every
        if steps:
            yield _watch(one, one.asked, steps)


def _watch(criterion: Criterion, asked: Asked, steps: frozenset[str]) -> Watch:
    def bad(record: StepRecord) -> bool | None:
        since = record.scheduled_at if asked.clock == "scheduled" else record.sent_at
        _, longest_ns = asked.longest
        return asked.bad(record.error, longer=record.finished_at - since > longest_ns)

    return Watch(
        name=f"criterion {criterion.name}",  # no objective's name has a space
        steps=steps,
        limit_s=asked.threshold_s,
        bad=bad,
        is_certain=lambda _: False,
        criterion=criterion,
    )


@dataclass(slots=True)
class Followed:
    """One criterion's last window, second by second, and for how many seconds it has been beyond its limit."""

    criterion: Criterion
    seconds: list[Judged] = field(default_factory=list)
    beyond_s: int = 0
    value: float | None = None
    is_beyond: bool = False

    def close_second(self, counts: Judged) -> None:
        """Take the counts at the end of a second."""
        self.seconds.append(counts)
        window_s = self.criterion.window_s
        if len(self.seconds) <= window_s:
            return
        del self.seconds[: -window_s - 1]
        total = counts.total - self.seconds[0].total
        bad = min(total, max(0, counts.bad - self.seconds[0].bad))
        self.value = bad / total if total > 0 else None
        is_single = bad <= 1 and total < events_for_one(self.criterion.limit)
        self.is_beyond = total > 0 and bad > self.criterion.limit * total and not is_single
        self.beyond_s += self.is_beyond

    @property
    def entry(self) -> CriterionEntry:
        """It for the live snapshot."""
        return entry_of(self.criterion, self.value, is_beyond=self.is_beyond, beyond_s=self.beyond_s)
