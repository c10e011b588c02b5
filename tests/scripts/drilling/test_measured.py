"""What a drill saw against the arithmetic: too late, too early, never, to the wrong receiver or not at all."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scripts.drilling.measured import Evidence, Seen, alerts_seen, inhibited_by, judge
from scripts.drilling.page import Notification
from scripts.drilling.scenes import Scene, scenes
from scripts.local_stack.prometheus import Series
from slo.rules.scope import Scope
from tests.scripts.drilling.cases import groups

START_S, INTERVAL_S = 1_000_000.0, 10.0
ENVIRONMENT = "drill-001"
LABELS = {"alertname": "ShopDown", "severity": "page", "environment": ENVIRONMENT, "exporter": "tests"}


def scene(kind: str = "detection") -> Scene:
    """Return a scene of the alert ShopDown: its fault begins 35 s after the start, or ends 55 s after it."""
    alert = groups(Scope(environment="x"))[0].alerts[0]
    found = scenes(alert, alert.cases[0], INTERVAL_S, (0, 0), iter([ENVIRONMENT, ENVIRONMENT]))
    return next(one for one in found if one.kind == kind)


def seen(pending: float | None = 40, firing: float | None = 40, last: float | None = 190, **labels: str) -> Seen:
    """Return an alert as Prometheus has it, in seconds since the start."""
    at = [None if one is None else START_S + one for one in (pending, firing, last)]
    return Seen(labels={**LABELS, **labels}, pending_s=at[0], firing_s=at[1], last_firing_s=at[2])


def came(status: str = "firing", at_s: float = 42, receiver: str = "drill-page", **labels: str) -> Notification:
    ends_s, came_s = START_S, START_S + at_s
    return Notification(
        receiver=receiver, status=status, labels={**LABELS, **labels}, starts_s=START_S, ends_s=ends_s, came_s=came_s
    )


def evidence(
    *alerts: Seen, notified: tuple[Notification, ...] = (), broken: Mapping[str, str] | None = None
) -> Evidence:
    return Evidence(start_s=START_S, until_s=START_S + 200, seen=alerts, notifications=notified, broken=broken or {})


def findings(of: Scene, found: Evidence, receiver: str = "drill-page") -> tuple[str, ...]:
    return judge(of, LABELS, found, receiver).findings


def test_an_alert_that_fires_within_two_evaluations_and_is_delivered_is_as_predicted() -> None:
    shown = judge(scene(), LABELS, evidence(seen(), notified=(came(),)), "drill-page")
    assert shown.findings == ()
    assert [(one.name, one.predicted_s, one.measured_s) for one in shown.figures] == [
        ("detected after", 0, 5),
        ("fires after", 0, 5),
        ("notified after", 10, 2),
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            evidence(seen(pending=60, firing=60), notified=(came(at_s=62),)),
            (
                "detected after 25 s, predicted 0 s, 2 evaluations apart are 20 s",
                "fires after 25 s, predicted 0 s, 2 evaluations apart are 20 s",
            ),
        ),
        (evidence(seen(pending=25), notified=(came(),)), ("it was there 10 s before the fault",)),
        (evidence(seen(firing=None, last=None)), ("it never fires; predicted after 0 s",)),
        (evidence(), ("it can't be made to fire",)),
        (evidence(seen(alertname="Another")), ("it can't be made to fire; in its place came Another",)),
        (
            evidence(broken={ENVIRONMENT: "ShopDown: many-to-many matching"}),
            ("it can't be made to fire: ShopDown: many-to-many matching",),
        ),
        (evidence(seen()), ("no notification that it is firing came",)),
        (
            evidence(seen(), notified=(came(receiver="drill-ticket"),)),
            ("its notification went to drill-ticket, expected drill-page",),
        ),
        (evidence(seen(environment="drill-002"), notified=(came(),)), ("it can't be made to fire",)),
    ],
)
def test_a_deviation_is_a_finding(found: Evidence, expected: tuple[str, ...]) -> None:
    assert findings(scene(), found) == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (50, ()),
        (20, ("clears after -25 s, predicted 0 s, 2 evaluations apart are 20 s",)),
        (100, ("clears after 55 s, predicted 0 s, 2 evaluations apart are 20 s",)),
        (195, ("it never clears; predicted after 0 s",)),
    ],
)
def test_an_alert_is_gone_at_the_first_evaluation_without_it(last: float, expected: tuple[str, ...]) -> None:
    both = (came(), came("resolved", 70))
    assert findings(scene("clearing"), evidence(seen(last=last), notified=both)) == expected


def test_that_an_alert_is_gone_must_be_told_too() -> None:
    found = evidence(seen(last=50), notified=(came(),))
    assert findings(scene("clearing"), found) == ("no notification that it is resolved came",)


def test_an_alert_that_was_not_firing_when_the_fault_ended_proves_nothing() -> None:
    assert findings(scene("clearing"), evidence()) == ("it wasn't firing when the fault ended",)


def test_what_a_dead_source_holds_back_must_not_come() -> None:
    dead, fed = (
        seen(firing=10, alertname="TestsSourceDown", source="one"),
        seen(alertname="ShopSlow", severity="ticket"),
    )
    held = replace(scene(), kind="inhibition")
    assert findings(held, evidence(dead, fed, seen())) == ()
    told = (came(alertname="ShopSlow", severity="ticket"),)
    assert findings(held, evidence(dead, fed, seen(), notified=told)) == ("TestsSourceDown did not hold ShopSlow back",)
    assert findings(held, evidence(seen(), notified=(came(),))) == ("nothing fired that it could hold back",)


def test_an_alert_that_fired_first_is_not_held_back_by_one_that_fired_later() -> None:
    early, late = seen(firing=10, severity="ticket"), seen(firing=50, alertname="TestsSourceDown", source="one")
    assert inhibited_by(early, [early, late], INTERVAL_S) is None
    waiting = seen(firing=41, severity="ticket")
    assert inhibited_by(waiting, [late], INTERVAL_S) == "TestsSourceDown"  # Alertmanager was still waiting
    assert inhibited_by(seen(firing=60, severity="ticket"), [late], INTERVAL_S) == "TestsSourceDown"


def test_prometheus_series_of_an_alert_become_one() -> None:
    def series(state: str, *at: float) -> Series:
        labels = {"__name__": "ALERTS", "alertstate": state, "alertname": "A", "environment": ENVIRONMENT}
        return Series(labels=labels, at=tuple(round(one * 1e9) for one in at), value=(1.0,) * len(at))

    (one,) = alerts_seen([series("firing", 40, 50, 60), series("pending", 20, 30)])
    assert one == Seen(
        labels={"alertname": "A", "environment": ENVIRONMENT}, pending_s=20, firing_s=40, last_firing_s=60
    )
    (waiting,) = alerts_seen([series("pending", 20, 30)])
    assert (waiting.pending_s, waiting.firing_s) == (20, None)
