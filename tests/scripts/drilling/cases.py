"""Alerts of three kinds to drill: at once, a page and a ticket, after a `for`, and on a share over a window."""

from slo.rules.model import Alert, Group, Recording
from slo.rules.scope import Scope
from slo.rules.signals import Case, Level, Rate, Signal


def alert(name: str, expr: str, case: Case, *, for_s: int = 0, **more: str) -> Alert:
    return Alert(
        name=name,
        expr=expr,
        for_s=for_s,
        severity="ticket" if more.get("severity") == "ticket" else "page",
        summary="Something is wrong.",
        description="It is.",
        reason="A test.",
        runbook="a-test",
        exporter=more.get("exporter"),
        cases=(case,),
    )


def case(
    name: str,
    *signals: Signal,
    fires_after_s: float = 0,
    clears_after_s: float = 0,
    fault_s: float = 900,
    healthy_s: float = 600,
) -> Case:
    return Case(
        name=name,
        signals=signals,
        fires_after_s=fires_after_s,
        clears_after_s=clears_after_s,
        fault_s=fault_s,
        healthy_s=healthy_s,
    )


def level(metric: str, healthy: float, faulty: float, *labels: tuple[str, str]) -> Signal:
    return Signal(metric=metric, labels=labels, healthy=Level(value=healthy), faulty=Level(value=faulty))


AT_ONCE = case("at-once", level("shop_up", 1, 0))
SLOW = case("slow", level("shop_slow", 0, 1))
AFTER_FOR = case("after-for", level("tests_exporter_up", 1, 0, ("source", "one")), fires_after_s=600, fault_s=900)
RECORDED = "tests:bad:ratio_rate15m"
# Half of all is bad: a tenth of a quarter of an hour after 180 s; and from a half down to a tenth after 720 s. Health
# lasts longer than the window: from a shorter one the share rises faster.
SHARE = case(
    "share",
    Signal(metric="bad_total", healthy=Rate(per_s=0), faulty=Rate(per_s=5)),
    Signal(metric="all_total", healthy=Rate(per_s=10), faulty=Rate(per_s=10)),
    fires_after_s=180,
    clears_after_s=720,
    fault_s=1200,
    healthy_s=1800,
)


def groups(scope: Scope, *, wrong: bool = False) -> tuple[Group, ...]:
    """Return the rules of the three; with `wrong` also an alert on twice the share that its case says."""
    bad, total = (f"sum(rate({scope.selector(name)}[15m]))" for name in ("bad_total", "all_total"))
    recorded = f'{RECORDED}{{environment="{scope.environment}"}}'
    return (
        Group(
            name=f"tests-{scope.environment}",
            interval_s=10,
            rules=(
                alert("ShopDown", f"{scope.selector('shop_up')} == 0", AT_ONCE, exporter="tests"),
                alert("ShopSlow", f"{scope.selector('shop_slow')} == 1", SLOW, severity="ticket", exporter="tests"),
                alert(
                    "TestsSourceDown",
                    f"{scope.selector('tests_exporter_up')} == 0",
                    AFTER_FOR,
                    for_s=600,
                    severity="ticket",
                    exporter="tests",
                ),
            ),
        ),
        Group(
            name=f"recorded-{scope.environment}",
            interval_s=10,
            rules=(Recording(record=RECORDED, expr=f"{bad} / {total}", labels=scope.labels),),
        ),
        Group(
            name=f"share-{scope.environment}",
            interval_s=10,
            rules=(
                # What was recorded for ten minutes is there only where its past was written.
                alert("TooManyBad", f"{recorded} > 0.1 and count_over_time({recorded}[20m]) > 60", SHARE),
                *([alert("TooManyBadLate", f"{recorded} > 0.2", SHARE)] if wrong else []),
            ),
        ),
    )
