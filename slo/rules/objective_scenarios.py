"""What an objective's rules must do beyond each alert's cases: traffic is low, missing, another's, or healthy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from slo.burn_rates import DAY_S, HOUR_S, Pair, Severity, detection_s
from slo.rules import names
from slo.rules.build import ObjectiveRules
from slo.rules.burn_alerts import HEALTHY_S
from slo.rules.example_series import Labels, allows, target_of
from slo.rules.model import Recording
from slo.rules.promql import asks_for_absence, duration, job_matchers, same_family, telling_matchers
from slo.rules.recordings import RAW_UP_TO_S
from slo.rules.scenarios import (
    TOLERANCE,
    Check,
    Scenario,
    Series,
    Stretch,
    at_or_before,
    firing,
    near,
    of_cases,
    played,
)
from slo.rules.scope import ENVIRONMENT
from slo.rules.signals import Course, Level, Rate, Signal

_LITTLE, _RATE, _SAMPLE_S = 0.7, 20.0, 60
_OTHER = "other"


def scenarios(rules: ObjectiveRules, *, slow: bool) -> tuple[Scenario, ...]:
    """Return every scenario of the objective's group for pages, or of its slow one."""
    group = rules.groups()[int(slow)]
    every_s = rules.pace.slow_interval_s if slow else rules.pace.interval_s
    made = _Scenarios(rules=rules, every_s=every_s, slow_rules=slow)
    severity: Severity = "ticket" if slow else "page"
    low = (made.low_traffic(pair) for pair in rules.of_severity(severity))
    return (*of_cases(group, rules.scope, every_s), *low, *(made.slow() if slow else made.fast()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scenarios:
    rules: ObjectiveRules
    every_s: int
    slow_rules: bool

    def fast(self) -> Iterator[Scenario]:
        """Yield what the rules for pages do with series that are missing or another's, and errors that can last."""
        yield self._sustained(2 * HOUR_S)
        yield self._no_errors_born()
        yield from self._common()
        yield from self._nothing_good_pages()
        yield from self._below_pages()
        yield from self._targets()

    def slow(self) -> Iterator[Scenario]:
        """Yield what the slow rules do with a quiet shop, a scrape that is down, and errors that can last."""
        yield self._sustained(DAY_S)
        yield from self._common()
        yield from self._quiet_yesterday()
        yield from self._down_is_not_renamed()

    def _common(self) -> Iterator[Scenario]:
        yield from self._half_way()
        yield self._no_traffic()
        yield from self._no_good_born()
        yield from self._unlabelled()
        yield from self._others()
        yield self._beside_other_objectives()

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

    def _sustained(self, lasts_s: int) -> Scenario:
        """Return errors of nine tenths of the budget from the start: nothing fires, and the budget lasts."""
        budget, record, period_s = self.rules.objective.budget, self.rules.recorder.recorded, self.rules.about.period_s
        checks = [self._silent(lasts_s), self._near(lasts_s, record(names.TARGET), self.rules.objective.target)]
        for window in self._windows():
            burn = 0.9 * (min(1, lasts_s / window) if window in self._covered() else 1)
            checks.append(self._near(lasts_s, record(names.error_ratio(window)), 0.9 * budget))
            checks.append(self._near(lasts_s, record(names.burn_rate(window)), burn))
        if self.slow_rules:
            left = 1 - 0.9 * min(1, lasts_s / period_s)
            checks.append(self._near(lasts_s, record(names.REMAINING), left, within=0.005))
            checks.append(self._near(lasts_s, record(names.PERIOD), period_s))
        series = self._steady(0.9 * budget, lasts_s + self.every_s)
        return self._scenario("sustained-errors", series, checks)

    def _half_way(self) -> Iterator[Scenario]:
        """Yield two replicas whose traffic doubled, 3 of 4 events bad since then, as half of each window passed."""
        record, base_s = self.rules.recorder.recorded, self.rules.recorder.base_s
        windows = [one for one in self._windows() if one != self.rules.about.period_s]
        if not windows:  # of a day or less: no ticket's window is shorter than the period
            return
        healthy_s, faulty_s = max(windows) * 3 // 4, max(windows) // 2
        checks = []
        for window in windows:
            at_s, within = healthy_s + window // 2, max(0.005, 0.75 * _SAMPLE_S / window)
            checks.append(self._near(at_s, record(names.error_ratio(window)), 0.5, within=within))
            if window in self._longs():
                checks.append(self._near(at_s, record(names.coverage(window)), 1, within=1e-6))
                checks.append(self._near(at_s, record(names.counted(window)), 1.5 * _RATE * window))
        if not self.slow_rules:
            at_s, within = healthy_s + base_s // 2, _RATE * _SAMPLE_S / base_s
            checks.append(self._near(at_s, record(names.events(base_s)), 1.5 * _RATE, within=within))
            checks.append(self._near(at_s, record(names.good_events(base_s)), 0.75 * _RATE, within=within / 2))
            checks.append(
                self._near(healthy_s + base_s, record(names.good_events(base_s)), 0.5 * _RATE, within=within / 2)
            )
        series = (
            one
            for share, instance in ((0.25, "a:9090"), (0.75, "b:9090"))
            for one in self._played(self._doubled(share), healthy_s, faulty_s + 600, instance)
        )
        yield self._scenario("half-way", tuple(series), checks)

    def _doubled(self, share: float) -> list[Signal]:
        """Return a share of the traffic that doubles, with 3 of 4 events bad from then on."""
        before, after = (self.rules.example.signals(times * share * _RATE, 0.75) for times in (1, 2))
        return [replace(one, faulty=other.faulty) for one, other in zip(before, after, strict=True)]

    def _no_errors_born(self) -> Scenario:
        """Return good events alone: the ratio is 0, not missing."""
        example, lasts_s = self.rules.example, 1800
        born = [example.good, example.bad] if example.bad_counts_all else [example.good]
        series = tuple(self._one(metric, labels, Rate(per_s=_RATE), lasts_s) for metric, labels in born)
        ratio = self.rules.recorder.recorded(names.error_ratio(self.rules.recorder.base_s))
        return self._scenario("no-error-ever", series, [self._silent(1500), self._near(1500, ratio, 0)])

    def _no_traffic(self) -> Scenario:
        """Return series that stand still: no ratio at all, and nothing to alert on."""
        series = tuple(self._one(metric, labels, Rate(per_s=0), 1800) for metric, labels in self._both())
        return self._scenario("no-traffic-ever", series, [self._silent(1500), *self._no_ratio(1500)])

    def _no_good_born(self) -> Iterator[Scenario]:
        """Yield no good series: all are bad if they could have been good; a bucket that isn't there is unknown."""
        yield self._scenario("nothing-good-ever", self._nothing_good(1800), self._all_bad(1500))
        if self.rules.example.has_bucket:
            series = (self._one(*self.rules.example.bad, Rate(per_s=_RATE), 3 * HOUR_S), self._all_in_bucket())
            others = (*self._others_series(self.rules.example.good), *self._others_recorded())
            yield self._scenario("bucket-not-exposed", (*series, *others), self._unknown(1500))

    def _nothing_good_pages(self) -> Iterator[Scenario]:
        """Yield bad events alone, which page as soon as errors only would."""
        pages = self.rules.of_severity("page")
        if pages:
            fires_s = detection_s(pages[0].threshold, pages[0].long_s, 1)
            alert = self.rules.groups()[0].alerts[0]
            expr = firing((("alertname", alert.name), *alert.labels.items()))
            fired_at = at_or_before(fires_s + TOLERANCE * self.every_s, self.every_s)
            checks = [Check(at_s=fired_at, expr=expr, value=1)]
            yield self._scenario("nothing-good-pages", self._nothing_good(fired_at + self.every_s), checks)

    def _nothing_good(self, lasts_s: int) -> tuple[Series, ...]:
        return tuple(self._one(*one, lasts_s) for one in self.rules.example.nothing_good(_RATE))

    def _all_in_bucket(self) -> Series:
        """Return the bucket that holds all events and is always exposed."""
        metric, labels = self.rules.example.good
        every = tuple({**dict(labels), "le": "+Inf"}.items())
        return self._one(metric, every, Rate(per_s=_RATE), 3 * HOUR_S)

    def _all_bad(self, at_s: int) -> list[Check]:
        """Return that every ratio is 1, and that there are events of which none is good."""
        record, base_s = self.rules.recorder.recorded, self.rules.recorder.base_s
        good, events = record(names.good_events(base_s)), record(names.events(base_s))
        return [*self._ratios(at_s, 1), self._near(at_s, good, 0), self._near(at_s, events, _RATE)]

    def _unknown(self, at_s: int) -> list[Check]:
        """Return that nothing is recorded of the events, and that nothing but the missing series is alerted on."""
        record, base_s = self.rules.recorder.recorded, self.rules.recorder.base_s
        known = names.good_events(base_s), names.events(base_s)
        checks = [*self._no_ratio(at_s), *(self._none(at_s, record(one)) for one in known)]
        if not self.slow_rules:
            return [*checks, self._silent(at_s)]
        missing = firing((("alertname", names.SERIES_MISSING), (names.OBJECTIVE, self.rules.objective.name)))
        lasting_s = [one.long_s + HOUR_S for one in self.rules.pairs[:1]]
        return [*checks, *(Check(at_s=at_or_before(one, self.every_s), expr=missing, value=1) for one in lasting_s)]

    def _unlabelled(self) -> Iterator[Scenario]:
        """Yield events without the label that tells good from bad: not good, and unknown when none has the label."""
        named = (one for one in telling_matchers(self.rules.source) if not asks_for_absence(one))
        telling = [one.label for one in named if one.label != "le"]
        if not telling or not same_family(self.rules.source):
            return
        counted = [self.rules.example.good, *([self.rules.example.bad] if self.rules.example.has_bucket else [])]
        bare = [(metric, tuple(one for one in labels if one[0] not in telling)) for metric, labels in counted]
        labelled = tuple(self._one(*one, Rate(per_s=3 * _RATE), 3 * HOUR_S) for one in counted)
        unlabelled = tuple(self._one(*one, Rate(per_s=_RATE), 3 * HOUR_S) for one in bare)
        yield self._scenario("some-without-label", (*labelled, *unlabelled), self._ratios(600, 0.25))
        others = (*self._others_series(self.rules.example.good), *self._others_recorded())
        yield self._scenario("none-with-label", (*unlabelled, *others), self._unknown(1500))

    def _others(self) -> Iterator[Scenario]:
        """Yield a healthy service beside one that has errors and differs in one label."""
        record, base_s = self.rules.recorder.recorded, self.rules.recorder.base_s
        for label in self._told_apart_by():
            other = [self._other(one, label) for one in dict.fromkeys(self._both())]
            checks = [self._silent(3000), *self._ratios(3000, 0)]
            checks += [self._near(3000, record(name(base_s)), _RATE) for name in (names.events, names.good_events)]
            checks += [self._near(3000, record(names.counted(HOUR_S)), _RATE * 3000)] * (
                HOUR_S in self._longs().intersection(self._windows())
            )
            series = (*self._steady(0, HOUR_S), *other)
            yield self._scenario(f"beside-another-{label}", series, checks)

    def _beside_other_objectives(self) -> Scenario:
        """Return a healthy service beside recordings of another objective and another environment."""
        checks = [self._silent(3000), *self._ratios(3000, 0)]
        return self._scenario("beside-others", (*self._steady(0, HOUR_S), *self._others_recorded()), checks)

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
        if not job_matchers(self.rules.source) or not self.rules.pairs:
            return
        own = target_of(self.rules.source.total)
        second = tuple({**dict(own), "instance": "second:9090"}.items())
        down = firing((("alertname", names.SCRAPE_DOWN), (names.OBJECTIVE, self.rules.objective.name)))
        half = self._one("up", second, Level(value=0), HOUR_S)
        yield self._scenario("one-target-of-two", (half, *self._steady(0, HOUR_S)), [self._silent(3000)])
        gone = [Check(at_s=1200, expr=down, value=1)]
        yield self._scenario("no-target-known", (), gone, up=False)
        others = (*self._others_up(HOUR_S), *self._others_series(self.rules.example.bad))
        yield self._scenario("down-while-others-are-up", others, gone, up=False)
        # Pushed, or exposed by another job with the labels of this one.
        yield self._scenario("measured-without-a-target", self._steady(0, HOUR_S), [self._silent(3000)], up=False)

    def _quiet_yesterday(self) -> Iterator[Scenario]:
        """Yield a shop in which it was as quiet a day before: no traffic is no surprise there."""
        if self.rules.pairs:
            pair = self.rules.pairs[0]
            little = _LITTLE * pair.min_events / pair.long_s
            series = played(self._standing(little), self.rules.scope, DAY_S, 2 * HOUR_S, 0)
            started = played(
                self._standing(2 * pair.min_events / pair.long_s), self.rules.scope, DAY_S // 2, DAY_S // 8, 0
            )
            yield self._scenario("born-today", started, [self._silent(DAY_S // 2 + DAY_S // 8 - self.every_s)])
            yield self._scenario("quiet-yesterday-too", series, [self._silent(DAY_S + 2 * HOUR_S - self.every_s)])

    def _down_is_not_renamed(self) -> Iterator[Scenario]:
        """Yield a scrape that is down for hours, others' not: its series aren't renamed."""
        if job_matchers(self.rules.source):
            missing = firing((("alertname", names.SERIES_MISSING), (names.OBJECTIVE, self.rules.objective.name)))
            own = self._one("up", target_of(self.rules.source.total), Level(value=0), 3 * HOUR_S)
            series = (own, *self._others_up(3 * HOUR_S))
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

    def _one(self, metric: str, labels: Labels, course: Course, lasts_s: float, *, scoped: bool = True) -> Series:
        labels = (*labels, *self.rules.scope.example_labels) if scoped else labels
        return Series(metric=metric, labels=labels, stretches=(Stretch(course=course, seconds=lasts_s),))

    def _steady(self, error_ratio: float, lasts_s: float) -> tuple[Series, ...]:
        signals = self.rules.example.signals(_RATE, error_ratio)
        return tuple(self._one(one.metric, one.labels, one.faulty, lasts_s) for one in signals)

    def _standing(self, per_s: float) -> list[Signal]:
        """Return traffic that stops."""
        return [replace(one, faulty=Rate(per_s=0)) for one in self.rules.example.signals(per_s, 0)]

    def _played(self, signals: Iterable[Signal], healthy_s: int, fault_s: int, instance: str) -> tuple[Series, ...]:
        series = played(signals, self.rules.scope, healthy_s, fault_s, 0)
        return tuple(replace(one, labels=tuple({"instance": instance, **dict(one.labels)}.items())) for one in series)

    def _told_apart_by(self) -> list[str]:
        """Return the labels in which another service may differ from this one."""
        keys = [one.label for one in self.rules.source.total.matchers if one.op == "=" or not allows(one, _OTHER)]
        return list(dict.fromkeys(keys)) + ([ENVIRONMENT] if self.rules.scope.matcher is None else [])

    def _other(self, series: tuple[str, Labels], label: str) -> Series:
        metric, labels = series
        theirs = {**dict(labels), **dict(self.rules.scope.example_labels), label: _OTHER}
        return self._one(metric, tuple(theirs.items()), Rate(per_s=10 * _RATE), 3 * HOUR_S, scoped=False)

    def _others_series(self, series: tuple[str, Labels]) -> tuple[Series, ...]:
        return tuple(self._other(series, label) for label in self._told_apart_by())

    def _others_recorded(self) -> tuple[Series, ...]:
        rules = [rule for group in self.rules.groups() for rule in group.rules if isinstance(rule, Recording)]
        own = self.rules.recorder.labels
        return tuple(
            self._one(rule.record, tuple({**own, label: _OTHER}.items()), Level(value=7), HOUR_S, scoped=False)
            for rule in rules
            for label in (names.OBJECTIVE, ENVIRONMENT)
        )

    def _others_up(self, lasts_s: float) -> tuple[Series, ...]:
        own = (*target_of(self.rules.source.total), *self.rules.scope.example_labels)
        labels = [one for one in self._told_apart_by() if one in dict(own)]
        others = (tuple({**dict(own), label: _OTHER}.items()) for label in labels)
        return tuple(self._one("up", one, Level(value=1), lasts_s, scoped=False) for one in others)

    def _both(self) -> tuple[tuple[str, Labels], ...]:
        return self.rules.example.good, self.rules.example.bad

    def _windows(self) -> list[int]:
        """Return the windows whose ratios this group records."""
        recorded = {
            rule.record for rule in self.rules.groups()[int(self.slow_rules)].rules if isinstance(rule, Recording)
        }
        pairs = {window for one in self.rules.pairs for window in (one.long_s, one.short_s)}
        every = pairs | {self.rules.recorder.base_s, self.rules.about.period_s}
        return sorted(window for window in every if names.error_ratio(window) in recorded)

    def _no_ratio(self, at_s: float) -> list[Check]:
        return [self._none(at_s, self.rules.recorder.recorded(names.error_ratio(one))) for one in self._windows()]

    def _ratios(self, at_s: float, value: float) -> list[Check]:
        return [
            self._near(at_s, self.rules.recorder.recorded(names.error_ratio(one)), value) for one in self._windows()
        ]

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
        return near(at_or_before(at_s, self.every_s), selector, value, within)


def _is_of(labels: Mapping[str, str], pair: Pair) -> bool:
    windows = labels.get(names.LONG_WINDOW), labels.get(names.SHORT_WINDOW)
    return windows == (duration(pair.long_s), duration(pair.short_s))
