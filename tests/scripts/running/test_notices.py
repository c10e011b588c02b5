"""While a run plays, its alerts notify nobody and Grafana shows it; both end with it, however it ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.guardrails.annotation import Grafana
from loadtests.results.inputs import Inputs
from loadtests.runtime.clock import Clock
from scripts.running.notices import Notices, check_alertmanager
from scripts.running.read_inputs import read_inputs
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import PermissionFacts
from tests.loadtests.watchers import FakeGrafana, RealAlertmanager, alertmanager, grafana
from tests.ports import free_port
from tests.scripts.world import World, targets, write_inputs

RUN = "20261129T180000Z-small-ab12"
TOKEN = "glsa_canary-of-grafana"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAlertmanager]:
    with alertmanager(tmp_path_factory.mktemp("alertmanager")) as one:
        yield one


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with grafana(TOKEN) as one:
        yield one


def given(world: World, **declared: Any) -> tuple[Inputs, ResolvedEnvironment]:
    write_inputs(world.folder, targets=targets(**declared))
    folder = world.folder
    inputs = read_inputs(folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml", "staging")
    return inputs, resolve_environment(inputs.environment, {**world.environment, "GRAFANA_TOKEN": TOKEN})


def notices(world: World, run: str = RUN, **declared: Any) -> Notices:
    return Notices(*given(world, **declared), run, Clock.start(), world.said.append)


def refusal(world: World, permission: PermissionFacts | None = None, **declared: Any) -> str:
    with pytest.raises(EnvironmentLacks) as refused:
        check_alertmanager(*given(world, **declared), permission)
    return str(refused.value)


def in_force(real: RealAlertmanager) -> list[str]:
    return [str(one["comment"]).split()[2] for one in real.silences() if one["status"]["state"] != "expired"]


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt(), EnvironmentLacks("no disk")])
def test_the_silence_ends_with_the_run_in_every_ending(
    real: RealAlertmanager, world: World, ending: BaseException | None
) -> None:
    one = notices(world, alertmanager_url=real.url)
    try:
        with one:
            assert in_force(real) == [RUN]
            assert one.facts.alert_silence is not None
            assert one.facts.alert_silence.ended_at is None
            if ending is not None:
                raise ending
    except (KeyboardInterrupt, EnvironmentLacks):
        assert ending is not None
    assert in_force(real) == []
    kept = one.facts.alert_silence
    assert kept is not None
    assert (kept.environment, kept.ended_before) == ("staging", ())
    assert kept.starts_at is not None
    assert kept.ends_at is not None
    assert kept.ended_at is not None
    assert kept.starts_at < kept.ended_at < kept.ends_at
    assert world.said == []


class Interrupting(Grafana):
    """A Grafana during whose answer Ctrl-C is pressed."""

    def mark(self, *_: Any, **__: Any) -> int:
        raise KeyboardInterrupt


def test_the_silence_ends_when_the_run_is_interrupted_before_it_has_begun(real: RealAlertmanager, world: World) -> None:
    one = notices(world, alertmanager_url=real.url, grafana_url="http://127.0.0.1:9")
    one._grafana = Interrupting(url="http://127.0.0.1:9", http=one._http)
    with pytest.raises(KeyboardInterrupt):
        one.__enter__()
    assert one.facts.alert_silence is not None
    assert in_force(real) == []


def test_what_a_killed_run_left_is_ended_by_the_next_which_says_so(real: RealAlertmanager, world: World) -> None:
    killed = notices(world, "20261129T170000Z-small-0000", alertmanager_url=real.url)
    killed.__enter__()
    assert killed.facts.alert_silence is not None
    left = killed.facts.alert_silence.id
    with notices(world, alertmanager_url=real.url) as one:
        assert in_force(real) == [RUN]
        assert one.facts.alert_silence is not None
        assert one.facts.alert_silence.ended_before == (left,)
    assert world.said == [f"ended the silence {left} in Alertmanager: its run had died"]


def test_an_alertmanager_that_goes_away_meanwhile_leaves_a_silence_that_ends_by_itself(
    tmp_path: Path, world: World
) -> None:
    with alertmanager(tmp_path) as gone:
        one = notices(world, alertmanager_url=gone.url)
        one.__enter__()
    one.__exit__(None, None, None)
    assert one.facts.alert_silence is not None
    assert one.facts.alert_silence.ended_at is None
    assert world.said == [
        (
            f"the run's silence isn't ended, it ends by itself: the Alertmanager at {gone.url} doesn't answer:"
            " ConnectionError; start it, correct alertmanager_url, or leave it out"
        )
    ]


def test_a_declared_alertmanager_that_is_not_there_keeps_the_run_from_beginning(world: World) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    why = (
        f"the Alertmanager at {url} doesn't answer: ConnectionError; start it, correct alertmanager_url, or leave it"
        " out"
    )
    assert refusal(world, alertmanager_url=url) == why
    one = notices(world, alertmanager_url=url)
    with pytest.raises(EnvironmentLacks) as refused:
        one.__enter__()
    assert str(refused.value) == why
    assert one.facts.alert_silence is None


def test_a_page_that_is_no_alertmanager_is_none(world: World, fake: FakeGrafana) -> None:
    why = f"the Alertmanager at {fake.url} answers HTTP 501 to GET /silences"
    assert refusal(world, alertmanager_url=fake.url) == why


def test_production_is_silenced_only_as_its_permission_says(real: RealAlertmanager, world: World) -> None:
    declared = {"alertmanager_url": real.url, "production": True}
    granted = PermissionFacts(who="Ada", why="the last test")
    assert refusal(world, granted, **declared) == (
        "staging is production: its alerts are silenced only with a permission that says silences: staging; write it"
        " again with: peakproof doctor --permit, or leave alertmanager_url out"
    )
    check_alertmanager(*given(world, **declared), granted.model_copy(update={"silences": "staging"}))


def test_the_mark_in_grafana_is_the_load_and_says_which_run(world: World, fake: FakeGrafana) -> None:
    with notices(world, grafana_url=fake.url, grafana_token={"env": "GRAFANA_TOKEN"}) as one:
        (made,) = fake.annotations.values()
        assert made["timeEnd"] - made["time"] == 29_000
        one.played(1_000_000_000_000, 1_025_000_000_000)
    assert made == {
        "time": 1_000_000,
        "timeEnd": 1_025_000,
        "tags": ["peakproof", "environment:staging", f"run:{RUN}"],
        "text": f"Peakproof plays small on staging: {RUN}",
    }
    assert one.facts.annotation is not None
    assert (one.facts.annotation.id, one.facts.annotation.why_not) == (1, None)


def test_a_grafana_that_refuses_is_a_note_without_the_token_and_the_run_goes_on(
    world: World, fake: FakeGrafana
) -> None:
    fake.status = 500
    with notices(world, grafana_url=fake.url, grafana_token={"env": "GRAFANA_TOKEN"}) as one:
        pass
    why = f"Grafana at {fake.url} answers HTTP 500 to POST /api/annotations"
    assert one.facts.annotation is not None
    assert (one.facts.annotation.id, one.facts.annotation.why_not) == (None, why)
    assert world.said == [f"the run isn't marked in Grafana: {why}"]
    assert TOKEN not in json.dumps(world.said)


def test_a_grafana_whose_name_leads_nowhere_is_a_note(world: World) -> None:
    with notices(world, grafana_url="http://grafana.invalid") as one:
        pass
    assert one.facts.annotation is not None
    assert one.facts.annotation.why_not == "Grafana at http://grafana.invalid doesn't answer: ConnectionError"
