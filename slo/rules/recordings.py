"""The recording rules of one objective: error ratios by window, events, burn rates, and what is left of the budget.

Windows up to `RAW_UP_TO_S` are read from the counters themselves. Longer ones are sums of the recorded rates over the
shortest window, one series in place of every series of the shop: there an error comes in along a ramp of that window's
length, half of which is how much later it is seen (`slo.burn_rates.detection_s`).

Every ratio is of the events that were counted. Where only a part of a window was (a new Prometheus, a new rule, a gap),
the burn rate counts the rest as if as many events had come and none had been bad: a budget is spent by errors that are
known. Without that, each long window of a new Prometheus would be "the test so far", and every pair fire at once.

Nothing depends on how often the rules are evaluated, as long as it is every five minutes, Prometheus' lookback.
"""

from dataclasses import dataclass

from slo.burn_rates import HOUR_S
from slo.objectives.selectors import quoted
from slo.rules import names
from slo.rules.model import Recording
from slo.rules.promql import Events, duration, number
from slo.rules.scope import ENVIRONMENT

RAW_UP_TO_S = 6 * HOUR_S
LONG_STEP_S = 300
_STEP_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Makes the recording rules of one objective; `base_s` is the shortest window."""

    events: Events
    labels: dict[str, str]
    base_s: int
    budget: float

    def recorded(self, record: str) -> str:
        """Return the selector of this objective's series of a recording rule."""
        inside = ",".join(f"{name}={quoted(self.labels[name])}" for name in (names.OBJECTIVE, ENVIRONMENT))
        return f"{record}{{{inside}}}"

    def rule(self, record: str, expr: str) -> Recording:
        """Return a rule that carries the objective's labels."""
        return Recording(record=record, expr=expr, labels=self.labels)

    def base(self) -> tuple[Recording, ...]:
        """Return the rules that every other stands on."""
        good = names.good_events(self.base_s)
        window = duration(self.base_s)
        total = f"sum(rate({self.events.total}[{window}]))\nand on ()\n{self.recorded(good)}"
        return (
            self.rule(names.TARGET, f"vector({number(1 - self.budget)})"),
            self.rule(good, self._good(window)),
            self.rule(names.events(self.base_s), total),
        )

    def error_ratio(self, window_s: int) -> Recording:
        """Return the share of a window's events that were bad; no value without events."""
        window = duration(window_s)
        if window_s > RAW_UP_TO_S:
            good, total = (f"sum_over_time({one}[{window}])" for one in self._sums())
        else:
            good, total = self._good(window), f"sum(rate({self.events.total}[{window}]))"
        return self.rule(names.error_ratio(window_s), f"1 - (\n  {_indented(good)}\n) / (\n  {total} > 0\n)")

    def counted(self, window_s: int) -> Recording:
        """Return how many events a window holds."""
        window = duration(window_s)
        mean = f"avg_over_time({self._sums()[1]}[{window}])\n* {window_s} * {self.recorded(names.coverage(window_s))}"
        raw = f"sum(increase({self.events.total}[{window}]))"
        return self.rule(names.counted(window_s), mean if window_s > RAW_UP_TO_S else raw)

    def coverage(self, window_s: int) -> Recording:
        """Return the share of a window for which events were counted, also where there were none."""
        step_s = _STEP_S if window_s <= RAW_UP_TO_S else LONG_STEP_S
        asked = f"{self._sums()[1]}[{duration(window_s)}:{duration(step_s)}]"
        return self.rule(names.coverage(window_s), f"clamp_max(count_over_time({asked}) / {window_s // step_s}, 1)")

    def burn_rate(self, window_s: int, *, covered: bool) -> Recording:
        """Return how fast the budget is spent in a window; `covered` counts what isn't known of it as good."""
        ratio = self.recorded(names.error_ratio(window_s))
        known = f"{ratio}\n* {self.recorded(names.coverage(window_s))}" if covered else ratio
        return self.rule(names.burn_rate(window_s), f"{known}\n/ {number(self.budget)}")

    def period(self, period_s: int) -> Recording:
        """Return how long the period is that the budget is for."""
        return self.rule(names.PERIOD, f"vector({period_s})")

    def remaining(self, period_s: int) -> Recording:
        """Return the share of the period's budget that isn't spent; below zero it is overspent."""
        return self.rule(names.REMAINING, f"1 - {self.recorded(names.burn_rate(period_s))}")

    def _good(self, window: str) -> str:
        good, known = (f"sum(rate({one}[{window}]))" for one in (self.events.good, self.events.known))
        # Where the same series say both, a second look at them finds nothing that the first didn't.
        return good if good == known else f"{good}\nor\n0 * {known}"

    def _sums(self) -> tuple[str, str]:
        return self.recorded(names.good_events(self.base_s)), self.recorded(names.events(self.base_s))


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
