"""Alerts on probes: a journey that can't be walked, a slow step, a probe that isn't played, a certificate at its end.

A certificate is renewed when a third of its lifetime is left (certbot since 4.0, and Go's autocert; certbot at half of
one under 10 days): 30 of 90 days, 15 of the 45 days that Let's Encrypt issues from 2028 on
(https://letsencrypt.org/2025/12/02/from-90-to-45). So the limits are shares of the lifetime: what is left when three
tenths of the time for renewing are over without one, 21 of 90 days, and when nine tenths are, 3 of 90 days. A
certificate that lives longer is renewed by hand, and gets those 21 and 3 days.
"""

from collections.abc import Iterator
from dataclasses import replace

from exporters.alerts import health
from exporters.names import probe as names
from exporters.subjects.probe.config import ProbeConfig
from exporters.subjects.probe.slot import RECENT
from slo.burn_rates import DAY_S, Severity
from slo.rules.alertmanager import WORRY
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Ago, Boundary, Case, Course, Level, Signal

FAILURES = 2
TICKET_DAYS, PAGE_DAYS, LIFETIME_DAYS = 21, 3, 90
_SUBJECT = "probe"
_FAULT_S, _RECENT_S = 600.0, 30.0
_RUN = "run"
Labels = tuple[tuple[str, str], ...]


def alerts(config: ProbeConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on the probes of a configuration; absent data is alerted on for those on a timer alone."""
    sources = tuple(f"{one.target}/{one.module}" for one in config.probes)
    slow = (_slow(config, scope),) if any(one.limits_s for one in config.modules.values()) else ()
    return (
        _failing(config, scope),
        *slow,
        _not_run(config, scope),
        _certificate(config, scope, page=False),
        _certificate(config, scope, page=True),
        *(health.alerts(_SUBJECT, sources, scope) if sources else ()),
    )


def _labels(config: ProbeConfig) -> Labels:
    """Return the labels of the probe that the cases play."""
    if config.probes:
        return ((names.TARGET, config.probes[0].target), (names.MODULE, config.probes[0].module))
    return ((names.TARGET, "staging"), (names.MODULE, next(iter(config.modules))))


def _longest_s(config: ProbeConfig) -> int:
    own = (one.every_s for one in config.modules.values())
    timed = (config.every_s(one.target, one.module) for one in config.probes)
    return round(max((*own, *timed)))


def _failing(config: ProbeConfig, scope: Scope) -> Alert:
    name, labels = names.RECENT_FAILURES.name, _labels(config)
    case = Case(
        name="probe-failing",
        signals=(Signal(metric=name, labels=labels, healthy=Level(value=1), faulty=Level(value=FAILURES)),),
        fires_after_s=0,
        clears_after_s=0,
        fault_s=_FAULT_S,
        labels=labels,
    )
    return Alert(
        name="ProbeFailing",
        expr=f"{scope.selector(name)} >= {FAILURES}",
        for_s=0,
        severity="page",
        summary="{{ $labels.module }} can't be walked on {{ $labels.target }}.",
        description=(
            "{{ $value }} of the last three probes failed. probe_failed_step says at which step and why, the exporter's"
            " log the words."
        ),
        reason=(
            f"{FAILURES} of {RECENT}: a single lost probe passes, and one that succeeds between two failures doesn't"
            " hide them. The wait lies in the count: it fires one to two intervals after the journey breaks."
        ),
        runbook="probe-failing",
        exporter=_SUBJECT,
        cases=(case,),
    )


def _slow(config: ProbeConfig, scope: Scope) -> Alert:
    duration, limit = names.STEP_DURATION.name, names.STEP_LIMIT.name
    module, limits = next((name, one.limits_s) for name, one in config.modules.items() if one.limits_s)
    step, limit_s = next(iter(limits.items()))
    target = next((one.target for one in config.probes if one.module == module), "staging")
    labels = ((names.TARGET, target), (names.MODULE, module), (names.STEP, step))
    every_s = max(_longest_s(config), 1)
    steady = Level(value=limit_s)
    case = Case(
        name="probe-slow",
        signals=(
            Signal(metric=limit, labels=labels, healthy=steady, faulty=steady),
            Signal(metric=duration, labels=labels, healthy=Level(value=limit_s), faulty=Level(value=limit_s * 1.1)),
        ),
        fires_after_s=2 * every_s,
        clears_after_s=0,
        fault_s=2 * every_s + _FAULT_S,
        labels=labels,
    )
    return Alert(
        name="ProbeSlow",
        expr=f"{scope.selector(duration)} > {scope.selector(limit)}",
        for_s=2 * every_s,
        severity="ticket",
        summary="{{ $labels.step }} of {{ $labels.module }} is slow on {{ $labels.target }}.",
        description="Its slowest request takes {{ $value | humanizeDuration }}, longer than limits_s allows.",
        reason=f"Two intervals of {every_s} s: three probes in a row; one request says little of a percentile.",
        runbook="probe-slow",
        exporter=_SUBJECT,
        cases=(case,),
    )


def _not_run(config: ProbeConfig, scope: Scope) -> Alert:
    at, every, labels = names.TIMESTAMP.name, names.INTERVAL.name, _labels(config)
    for_s = _longest_s(config)
    stale = f"time() - {scope.selector(at)} > 2 * {scope.selector(every)}"
    absent = [_absent(scope.selector(at, f'target="{one.target}"', f'module="{one.module}"')) for one in config.probes]
    overdue = "\n  or\n  ".join((stale, *absent))
    in_a_run = scope.selector(names.SKIPPED.name, f'{names.REASON}="{_RUN}"')
    every_s = config.every_s(labels[0][1], labels[1][1])
    courses: dict[str, Course] = {"probe-not-run": _old(every_s), **({"probe-absent": Absent()} if absent else {})}
    cases = tuple(
        Case(
            name=name,
            signals=_last(labels, every_s, course),
            fires_after_s=for_s,
            clears_after_s=0,
            fault_s=for_s + _FAULT_S,
            labels=labels,
        )
        for name, course in courses.items()
    )
    return Alert(
        name="ProbeNotRun",
        expr=f"(\n  {overdue}\n)\nunless on ({', '.join(names.PROBE)})\n{in_a_run} == 1",
        for_s=for_s,
        severity="ticket",
        summary="{{ $labels.module }} isn't probed on {{ $labels.target }}.",
        description="Whether the journey can be walked isn't known: ProbeFailing can't fire. probe_skipped says why.",
        reason=(
            f"A probe is two intervals old, and stays so for the longest of them, {for_s} s: two in a row were left"
            " out. While a load test holds the environment no probe is played, and that is no fault."
        ),
        runbook="probe-not-run",
        exporter=_SUBJECT,
        cases=cases,
        boundaries=(
            cases[0].near("not-yet", {at: Ago(seconds=1.5 * every_s)}, fires=False),
            *_excused(cases[0], labels),
            *_absent_too(config, for_s),
        ),
    )


def _old(every_s: float) -> Ago:
    return Ago(seconds=2 * every_s + _RECENT_S)


def _last(labels: Labels, every_s: float, faulty: Course) -> tuple[Signal, ...]:
    """Return when a probe was played last: just now, and under the fault as `faulty` says."""
    interval = Level(value=every_s)
    return (
        Signal(metric=names.INTERVAL.name, labels=labels, healthy=interval, faulty=interval),
        Signal(metric=names.TIMESTAMP.name, labels=labels, healthy=Ago(seconds=_RECENT_S), faulty=faulty),
    )


def _excused(case: Case, labels: Labels) -> Iterator[Boundary]:
    """Yield a probe that isn't played: in a run that excuses it, after one, and for a reason that excuses nothing."""
    elsewhere = ((names.TARGET, f"not-{labels[0][1]}"), *labels[1:])
    yield _skipped(case, "in-a-run", _during(labels, _RUN), fires=False)
    yield _skipped(case, "after-a-run", replace(_during(labels, _RUN), healthy=Level(value=1), faulty=Absent()))
    yield _skipped(case, "during-another-s-run", _during(elsewhere, _RUN))
    yield _skipped(case, "for-another-reason", _during(labels, "busy"))


def _skipped(case: Case, name: str, skipped: Signal, *, fires: bool = True) -> Boundary:
    near = case.near(name, {}, fires=fires)
    return replace(near, signals=(*near.signals, skipped))


def _during(labels: Labels, reason: str) -> Signal:
    labels = (*labels, (names.REASON, reason))
    return Signal(metric=names.SKIPPED.name, labels=labels, healthy=Absent(), faulty=Level(value=1))


def _absent_too(config: ProbeConfig, for_s: int) -> Iterator[Boundary]:
    """Yield every timed probe but the first, which a case plays, without any figure."""
    for one in config.probes[1:]:
        labels = ((names.TARGET, one.target), (names.MODULE, one.module))
        yield Boundary(
            name=f"probe-absent-{one.target}-{one.module}",
            signals=_last(labels, config.every_s(one.target, one.module), Absent()),
            fires=True,
            fault_s=for_s + _FAULT_S,
            labels=labels,
        )


def _absent(selector: str) -> str:
    return f"absent({selector})"


def _certificate(config: ProbeConfig, scope: Scope, *, page: bool) -> Alert:
    ends, begins = names.CERTIFICATE_NOT_AFTER.name, names.CERTIFICATE_NOT_BEFORE.name
    days = PAGE_DAYS if page else TICKET_DAYS
    labels = (*_labels(config), (names.HOST, "shop.example"))
    last, first = (f"min by ({names.HOST}) ({scope.selector(name)})" for name in (ends, begins))
    limit = f"clamp_max(({last} - {first}) * {days} / {LIFETIME_DAYS}, {days * DAY_S})"
    word: Severity = "page" if page else "ticket"
    usual, short, long = (
        Case(
            name=f"certificate-of-{lifetime_days}-days-{word}",
            signals=_dates(labels, lifetime_days * DAY_S, min(lifetime_days / LIFETIME_DAYS, 1.0) * days * DAY_S),
            fires_after_s=0,
            clears_after_s=0,
            fault_s=_FAULT_S,
            labels=labels[-1:],
        )
        for lifetime_days in (LIFETIME_DAYS, 45, 365)
    )
    return Alert(
        name="CertificateExpiresNow" if page else "CertificateExpires",
        expr=f"{last} - time() < {limit}",
        for_s=0,
        severity=word,
        summary="The certificate of {{ $labels.host }} expires in {{ $value | humanizeDuration }}.",
        description="It wasn't renewed when it was due. Once it has expired no shopper gets in.",
        reason=(
            f"{days} of {LIFETIME_DAYS} days, as a share of the lifetime and {days} days at most: it is renewed when a"
            f" third is left, and {'nine' if page else 'three'} tenths of that time are over without a new one."
        ),
        runbook="certificate-expires",
        exporter=_SUBJECT,
        labels={WORRY: "certificate"},
        cases=(usual, short, long),
        boundaries=(
            _beside(usual, "an-expired-one", ends=Ago(seconds=30 * DAY_S), begins=Ago(seconds=120 * DAY_S), fires=True),
            _beside(short, "an-old-one", ends=Ago(seconds=-65 * DAY_S), begins=Ago(seconds=300 * DAY_S), fires=False),
        ),
    )


def _beside(case: Case, name: str, *, ends: Ago, begins: Ago, fires: bool) -> Boundary:
    """Return a certificate that is due, or nearly, in place of another one, which an environment elsewhere has still.

    The dates of that one would move the limit.
    """
    signals = tuple(
        replace(one, healthy=theirs, faulty=one.faulty if fires else one.healthy)
        for one, theirs in zip(case.signals, (ends, begins), strict=True)
    )
    return replace(case.near(f"beside-{name}", {}, fires=fires), signals=signals)


def _dates(labels: Labels, lifetime_s: float, limit_s: float) -> tuple[Signal, ...]:
    """Return the two dates of a certificate: with an hour more left than the limit, and then with an hour less."""
    more, less = limit_s + 3600, limit_s - 3600
    ends, begins = names.CERTIFICATE_NOT_AFTER.name, names.CERTIFICATE_NOT_BEFORE.name
    old, older = Ago(seconds=lifetime_s - more), Ago(seconds=lifetime_s - less)
    return (
        Signal(metric=ends, labels=labels, healthy=Ago(seconds=-more), faulty=Ago(seconds=-less)),
        Signal(metric=begins, labels=labels, healthy=old, faulty=older),
    )
