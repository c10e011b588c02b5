"""A whole run with a real Alertmanager: meanwhile an alert of its environment notifies nobody; production's does."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.played import Played, play, prometheus, shop, write_inputs
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.watchers import FakeGrafana, RealAlertmanager, alertmanager, grafana
from tests.waiting import wait_for

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
TOKEN = "glsa_canary-of-grafana"


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealAlertmanager]:
    with alertmanager(tmp_path) as one:
        yield one


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with grafana(TOKEN) as one:
        yield one


def in_force(real: RealAlertmanager) -> list[str]:
    return [str(one["comment"]).split()[2] for one in real.silences() if one["status"]["state"] != "expired"]


def is_loaded(played: Played) -> bool:
    assert played.peak.process.poll() is None, played.peak.told()
    return bool(list((played.folder / "runs").glob("*-faulty-*/live.json")))


def test_alerts_of_the_environment_are_silenced_while_it_plays_and_productions_are_not(
    tmp_path: Path, shop: FakeShop, prometheus: str, real: RealAlertmanager, fake: FakeGrafana
) -> None:
    declared = {
        "alertmanager_url": real.url, "grafana_url": fake.url, "grafana_token": {"env": "GRAFANA_TOKEN"},
    }  # fmt: skip
    write_inputs(tmp_path, shop.url, plateau_s=6, **declared)
    with play(tmp_path, prometheus, GRAFANA_TOKEN=TOKEN) as played:
        wait_for(lambda: is_loaded(played), "the load")
        real.alert("staging", "production")
        wait_for(lambda: "production" in real.people.notified, "the notice of production's alert")
        assert real.states() == {"staging": "suppressed", "production": "active"}
        assert in_force(real) == [played.directory.name]
        assert "staging" not in real.people.notified
        played.peak.ended()  # valid or not: how punctual the load was is no matter here
    assert in_force(real) == []
    wait_for(lambda: "staging" in real.people.notified, "the notice after the run")
    document = played.document()
    assert document["ended"] == "completed", played.peak.told()
    silence, (mark,) = document["alert_silence"], fake.annotations.values()
    assert silence["environment"] == "staging"
    assert silence["starts_at"] < document["started_at"] < document["ended_at"] < silence["ended_at"]
    assert silence["ended_at"] < silence["ends_at"]
    assert document["annotation"] == {"id": 1, "why_not": None}
    assert mark["time"] == document["started_at"] // 1_000_000
    assert mark["timeEnd"] == document["ended_at"] // 1_000_000
    assert TOKEN not in played.peak.told()
    assert [
        path.name for path in played.directory.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
    ] == []


def test_ctrl_c_ends_the_silence_and_a_killed_runs_is_ended_by_the_next(
    tmp_path: Path, shop: FakeShop, prometheus: str, real: RealAlertmanager
) -> None:
    write_inputs(tmp_path, shop.url, alertmanager_url=real.url)
    with play(tmp_path, prometheus) as killed:
        wait_for(lambda: is_loaded(killed), "the load")
        killed.peak.process.kill()
        killed.peak.process.wait()
    dead = killed.directory
    assert in_force(real) == [dead.name]
    assert killed.document()["alert_silence"]["ended_at"] is None
    dead.rename(dead.with_name(dead.name.replace("-faulty-", "-dead-")))
    with play(tmp_path, prometheus) as played:  # it waits for the dead run's lease, 30 s at most
        wait_for(lambda: is_loaded(played), "the load")
        assert in_force(real) == [played.directory.name]
        os.kill(played.peak.process.pid, signal.SIGINT)
        assert played.peak.ended() == 75, played.peak.told()
    assert in_force(real) == []
    document = played.document()
    assert document["ended"] == "stopped"
    assert len(document["alert_silence"]["ended_before"]) == 1
    assert document["alert_silence"]["ended_at"] < time.time_ns()


def test_an_alertmanager_that_does_not_answer_keeps_the_run_from_beginning(
    tmp_path: Path, shop: FakeShop, prometheus: str, fake: FakeGrafana
) -> None:
    write_inputs(tmp_path, shop.url, alertmanager_url=fake.url)
    with play(tmp_path, prometheus) as played:
        assert played.peak.ended() == 75
    assert f"the Alertmanager at {fake.url} answers HTTP 501 to GET /silences" in played.peak.told()
    assert not (tmp_path / "runs").exists()
