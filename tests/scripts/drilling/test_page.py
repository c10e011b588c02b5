"""The page goes on where the history ends, and the webhook keeps what Alertmanager sends."""

from dataclasses import replace
from itertools import count

import requests

from scripts.drilling.history import samples
from scripts.drilling.page import DrillServer, Page, for_state
from scripts.drilling.scenes import Scene, scenes
from slo.rules.scope import Scope
from tests.scripts.drilling.cases import groups

START_S = 1_000_000.0


def share() -> Scene:
    """Return the detection of too many bad ones, whose fault began before the start."""
    alert = groups(Scope(environment="x"))[2].alerts[0]
    return next(iter(scenes(alert, alert.cases[0], 10, (2, 0), (f"drill-{n}" for n in count()))))


def test_a_counter_on_the_page_goes_on_from_the_history() -> None:
    scene = share()
    history = [line for line in samples(scene, START_S, START_S) if line.startswith("bad_total")]
    name, last, at = history[-1].split()
    page = Page([scene], START_S).text(START_S + 10)
    (now,) = (line for line in page.splitlines() if line.startswith("bad_total"))
    assert name == 'bad_total{environment="drill-0"}'
    assert now.startswith('bad_total{environment="drill-0",instance="",job=""} ')
    grown = float(now.split()[-1]) - float(last)
    assert round(grown, 6) == round(5 * (START_S + 10 - float(at)), 6)


def test_a_series_that_is_absent_is_not_on_the_page() -> None:
    scene = share()
    gone = replace(scene, case=replace(scene.case, signals=()))
    assert Page([gone], START_S).text(START_S) == ""


def test_since_when_an_alert_is_pending_stands_on_the_page() -> None:
    page = Page([], START_S)
    page.restored = {for_state({"alertname": "A", "environment": "drill-0"}): START_S - 100}
    assert page.text(START_S) == ('ALERTS_FOR_STATE{instance="",job="",alertname="A",environment="drill-0"} 999900.0\n')


def test_the_server_shows_the_page_and_keeps_notifications_by_receiver() -> None:
    server = DrillServer(Page([share()], START_S))
    server.start()
    try:
        assert "bad_total{" in requests.get(f"{server.url}/metrics", timeout=5).text
        assert requests.get(f"{server.url}/other", timeout=5).status_code == 404
        alert = {
            "status": "firing",
            "labels": {"alertname": "A"},
            "startsAt": "2026-01-02T03:04:05.678Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
        requests.post(f"{server.url}/alerts/drill-page", json={"alerts": [alert]}, timeout=5).raise_for_status()
        (one,) = server.notifications()
        assert (one.receiver, one.status, dict(one.labels)) == ("drill-page", "firing", {"alertname": "A"})
    finally:
        server.stop()
