"""What an objective's rules must do beyond each alert's cases: traffic is low, missing, another's, or healthy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from slo.burn_rates import DAY_S, HOUR_S, Pair, Severity, detection_s
from slo.rules import names
from slo.rules.build import ObjectiveRules
from slo.rules.burn_alerts import HEALTHY_S
from slo.rules.example_series import Labels, allows, target_of
from slo.rules.promql import duration, job_matchers, number, same_family, telling_matchers
from slo.rules.recordings import RAW_UP_TO_S
from slo.rules.scenarios import TOLERANCE, Check, Scenario, Series, Stretch, at_or_before, firing, of_cases, played
from slo.rules.scope import ENVIRONMENT
from slo.rules.signals import Course, Level, Rate

_LITTLE, _RATE = 0.7, 20.0
_OTHER = "other"


def scenarios(rules: ObjectiveRules, *, slow: bool) -> tuple[Scenario, ...]:
    """Return every scenario of the objective's group for pages, or of its slow one."""
    group = rules.groups()[int(slow)]
    every_s = rules.pace.slow_interval_s if slow else rules.pace.interval_s
    made = _Scenarios(rules=rules, every_s=every_s)
    severity: Severity = "ticket" if slow else "page"
    low = (made.low_traffic(pair) for pair in rules.of_severity(severity))
    return (*of_cases(group, rules.scope, every_s), *low, *(made.slow() if slow else made.fast()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scenarios:
    rules: ObjectiveRules
    every_s: int

    def fast(self) -> Iterator[Scenario]:
        """Yield what the rules for pages do with missing series, others' series and errors that can be sustained."""
        yield self._sustained(2 * HOUR_S, [self.rules.recorder.base_s, *self._windows("page")])
        yield self._no_errors_born()
        yield self._no_traffic()
        yield from self._no_good_born()
        yield from self._unlabelled()
        yield from self._others()
        yield from self._below_pages()
        yield from self._targets()

    def slow(self) -> Iterator[Scenario]:
        """Yield what the slow rules do with a quiet shop, a scrape that is down, and errors that can be sustained."""
        yield self._sustained(DAY_S, [*self._windows("ticket"), self.rules.about.period_s])
        yield from self._quiet_yesterday()
        yield from self._down_is_not_renamed()

    def low_traffic(self, pair: Pair) -> Scenario:
        """Return nothing but errors, in fewer events than the pair asks for."""
        smoothing_s = self.rules.recorder.base_s if pair.long_s > RAW_UP_TO_S else 0
        fires_s = detection_s(pair.threshold, pair.long_s, 1, smoothing_s)
        fault_s = at_or_before(fires_s, self.every_s) + (TOLERANCE + 2) * self.every_s
        per_s = _LITTLE * pair.min_events / (HEALTHY_S + fault_s)
        alert = next(one for group in self.rules.groups() for one in group.alerts if _is_of(one.labels, pair))
        expr = firing((("alertname", alert.name), *alert.labels.items()))
        return Scenario(
            name=f"{alert.cases[0].name}-too-few-events",
            series=played(self.rules.example.signals(per_s, 1), self.rules.scope, HEALTHY_S, fault_s, 0),
            checks=(self._silent(HEALTHY_S + fault_s - self.every_s, expr),),
        )

    def _sustained(self, lasts_s: int, windows: list[int]) -> Scenario:
        """Return errors of nine tenths of the budget from the start: all is recorded, nothing fires."""
        budget, record = self.rules.objective.budget, self.rules.recorder.recorded
        checks = [self._silent(lasts_s), self._near(lasts_s, record(names.TARGET), self.rules.objective.target)]
        for window in windows:
            burn = 0.9
            if window in self._covered():
                burn *= min(1, lasts_s / window)
                checks.append(self._near(lasts_s, record(names.coverage(window)), min(1, lasts_s / window)))
            checks.append(self._near(lasts_s, record(names.error_ratio(window)), 0.9 * budget))
            checks.append(self._near(lasts_s, record(names.burn_rate(window)), burn))
            if window in self._longs():
                events = _RATE * min(lasts_s, window)
                checks.append(self._near(lasts_s, record(names.counted(window)), events))
        if self.rules.about.period_s in windows:
            left = 1 - 0.9 * min(1, lasts_s / self.rules.about.period_s)
            checks.append(self._near(lasts_s, record(names.REMAINING), left, within=0.005))
        else:
            base_s = self.rules.recorder.base_s
            checks.append(self._near(lasts_s, record(names.events(base_s)), _RATE))
            checks.append(self._near(lasts_s, record(names.good_events(base_s)), _RATE * (1 - 0.9 * budget)))
        steady = self.rules.example.signals(_RATE, 0.9 * budget)
        series = (self._one(one.metric, one.labels, one.faulty, lasts_s + self.every_s) for one in steady)
        return self._scenario("sustained-errors", tuple(series), checks)

    def _no_errors_born(self) -> Scenario:
        """Return good events alone: the ratio is 0, not missing."""
        example, lasts_s = self.rules.example, 1800
        born = [example.good, example.bad] if example.bad_counts_all else [example.good]
        series = tuple(self._one(metric, labels, Rate(per_s=_RATE), lasts_s) for metric, labels in born)
        ratio = self.rules.recorder.recorded(names.error_ratio(self.rules.recorder.base_s))
        return self._scenario("no-error-ever", series, [self._silent(1500), self._near(1500, ratio, 0)])

    def _no_traffic(self) -> Scenario:
        """Return series that stand still: no ratio at all, and nothing to alert on."""
        ratio = self.rules.recorder.recorded(names.error_ratio(self.rules.recorder.base_s))
        series = tuple(self._one(metric, labels, Rate(per_s=0), 1800) for metric, labels in self._both())
        return self._scenario("no-traffic-ever", series, [self._silent(1500), self._none(1500, ratio)])

    def _no_good_born(self) -> Iterator[Scenario]:
        """Yield total alone: all are bad if they could have been good; a bucket that isn't there is unknown."""
        source, base_s = self.rules.source, self.rules.recorder.base_s
        pages = self.rules.of_severity("page")
        ratio = self.rules.recorder.recorded(names.error_ratio(base_s))
        series = (self._one(*self.rules.example.bad, Rate(per_s=_RATE), 2 * HOUR_S),)
        if source.good.metric != source.total.metric and same_family(source):
            yield self._scenario("bucket-not-exposed", series, [self._silent(1500), self._none(1500, ratio)])
        elif pages:
            fires_s = detection_s(pages[0].threshold, pages[0].long_s, 1)
            alert = self.rules.groups()[0].alerts[0]
            expr = firing((("alertname", alert.name), *alert.labels.items()))
            fired_at = at_or_before(fires_s + TOLERANCE * self.every_s, self.every_s)
            yield self._scenario(
                "nothing-good-ever", series, [Check(at_s=fired_at, expr=expr, value=1), self._near(fired_at, ratio, 1)]
            )

    def _unlabelled(self) -> Iterator[Scenario]:
        """Yield events without the label that tells good from bad: not good, and unknown when none has the label."""
        telling = [one.label for one in telling_matchers(self.rules.source) if one.label != "le"]
        if not telling or not same_family(self.rules.source) or self.rules.example.bad_counts_all:
            return
        metric, labels = self.rules.example.good
        bare = tuple((name, value) for name, value in labels if name not in telling)
        unlabelled = self._one(metric, bare, Rate(per_s=_RATE), 1800)
        labelled = self._one(metric, labels, Rate(per_s=3 * _RATE), 1800)
        ratio = self.rules.recorder.recorded(names.error_ratio(self.rules.recorder.base_s))
        counted = self.rules.recorder.recorded(names.events(self.rules.recorder.base_s))
        yield self._scenario("some-without-label", (labelled, unlabelled), [self._near(600, ratio, 0.25)])
        checks = [self._silent(1500), self._none(1500, ratio), self._none(1500, counted)]
        yield self._scenario("none-with-label", (unlabelled,), checks)

    def _others(self) -> Iterator[Scenario]:
        """Yield a healthy service beside one that has nothing but errors and differs in one label."""
        keys = [one for one in self.rules.source.total.matchers if one.op == "=" or not allows(one, _OTHER)]
        counted = self.rules.recorder.recorded(names.events(self.rules.recorder.base_s))
        labels = [one.label for one in keys] + ([ENVIRONMENT] if self.rules.scope.matcher is None else [])
        for label in dict.fromkeys(labels):
            metric, of = self.rules.example.bad
            theirs = {**dict(of), **dict(self.rules.scope.example_labels), label: _OTHER}
            other = Series(
                metric=metric,
                labels=tuple(theirs.items()),
                stretches=(Stretch(course=Rate(per_s=10 * _RATE), seconds=HOUR_S),),
            )
            own = self._healthy(HOUR_S)
            checks = [self._silent(3000), self._near(3000, counted, _RATE)]
            yield self._scenario(f"errors-of-another-{label}", (*own, other), checks)

    def _below_pages(self) -> Iterator[Scenario]:
        """Yield errors a little below every page's threshold: the pages stay silent."""
        pages = self.rules.of_severity("page")
        if pages:
            lasts_s = HOUR_S + at_or_before(max(one.long_s for one in pages), self.every_s)
            error_ratio = 0.97 * min(one.threshold for one in pages)
            signals = self.rules.example.signals(_RATE, error_ratio)
            series = tuple(self._one(one.metric, one.labels, one.faulty, lasts_s) for one in signals)
            pages_fire = firing((("severity", "page"), (names.OBJECTIVE, self.rules.objective.name)))
            yield self._scenario("below-every-page", series, [self._silent(lasts_s - self.every_s, pages_fire)])

    def _targets(self) -> Iterator[Scenario]:
        """Yield one target of two that is down, which blinds nothing, and targets that are gone, which does."""
        if not job_matchers(self.rules.source):
            return
        second = tuple({**dict(target_of(self.rules.source.total)), "instance": "second:9090"}.items())
        down = firing((("alertname", names.SCRAPE_DOWN), (names.OBJECTIVE, self.rules.objective.name)))
        half = self._one("up", second, Level(value=0), HOUR_S)
        yield self._scenario("one-target-of-two", (half, *self._healthy(HOUR_S)), [self._silent(3000)])
        yield self._scenario("no-target-known", (), [Check(at_s=1200, expr=down, value=1)], up=False)

    def _quiet_yesterday(self) -> Iterator[Scenario]:
        """Yield a shop in which it was as quiet a day before: no traffic is no surprise there."""
        if self.rules.pairs:
            pair = self.rules.pairs[0]
            little = _LITTLE * pair.min_events / pair.long_s
            signals = [replace(one, faulty=Rate(per_s=0)) for one in self.rules.example.signals(little, 0)]
            series = played(signals, self.rules.scope, DAY_S, 2 * HOUR_S, 0)
            yield self._scenario("quiet-yesterday-too", series, [self._silent(DAY_S + 2 * HOUR_S - self.every_s)])

    def _down_is_not_renamed(self) -> Iterator[Scenario]:
        """Yield a scrape that is down for hours: its series aren't renamed."""
        if job_matchers(self.rules.source):
            missing = firing((("alertname", names.SERIES_MISSING), (names.OBJECTIVE, self.rules.objective.name)))
            series = (self._one("up", target_of(self.rules.source.total), Level(value=0), 3 * HOUR_S),)
            yield self._scenario("down-not-renamed", series, [self._silent(2 * HOUR_S, missing)], up=False)

    # -- parts ---------------------------------------------------------------------------------------------

    def _scenario(self, name: str, series: tuple[Series, ...], checks: list[Check], *, up: bool = True) -> Scenario:
        """Return a scenario, whose targets are scraped unless it says otherwise."""
        lasts_s = max(check.at_s for check in checks) + self.every_s
        scraped = self._up(lasts_s) if up else ()
        return Scenario(name=f"{self.rules.objective.name}-{name}", series=(*scraped, *series), checks=tuple(checks))

    def _up(self, lasts_s: float) -> tuple[Series, ...]:
        if not job_matchers(self.rules.source):
            return ()
        return (self._one("up", target_of(self.rules.source.total), Level(value=1), lasts_s),)

    def _one(self, metric: str, labels: Labels, course: Course, lasts_s: float) -> Series:
        labels = (*labels, *self.rules.scope.example_labels)
        return Series(metric=metric, labels=labels, stretches=(Stretch(course=course, seconds=lasts_s),))

    def _healthy(self, lasts_s: float) -> tuple[Series, ...]:
        signals = self.rules.example.signals(_RATE, 0)
        return tuple(self._one(one.metric, one.labels, one.healthy, lasts_s) for one in signals)

    def _both(self) -> tuple[tuple[str, Labels], ...]:
        return self.rules.example.good, self.rules.example.bad

    def _windows(self, severity: Severity) -> list[int]:
        return sorted({w for one in self.rules.of_severity(severity) for w in (one.long_s, one.short_s)})

    def _longs(self) -> set[int]:
        return {one.long_s for one in self.rules.pairs}

    def _covered(self) -> set[int]:
        return self._longs() | {self.rules.about.period_s}

    def _silent(self, at_s: float, expr: str | None = None) -> Check:
        any_alert = firing(((names.OBJECTIVE, self.rules.objective.name),))
        return Check(at_s=at_or_before(at_s, self.every_s), expr=expr or any_alert, value=None)

    def _none(self, at_s: float, selector: str) -> Check:
        return Check(at_s=at_or_before(at_s, self.every_s), expr=f"count({selector})", value=None)

    def _near(self, at_s: float, selector: str, value: float, within: float | None = None) -> Check:
        """Return that a recorded value is within 2 % of what arithmetic has: rates are extrapolated."""
        margin = number(within if within is not None else max(0.02 * value, 1e-9))
        expr = f"count(abs({selector} - {number(value)}) <= {margin})"
        return Check(at_s=at_or_before(at_s, self.every_s), expr=expr, value=1)


def _is_of(labels: Mapping[str, str], pair: Pair) -> bool:
    windows = labels.get(names.LONG_WINDOW), labels.get(names.SHORT_WINDOW)
    return windows == (duration(pair.long_s), duration(pair.short_s))
