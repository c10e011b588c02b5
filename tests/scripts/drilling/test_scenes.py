"""Most of a case lies before the start: what a scene shows is due a few evaluations after it, and not at the first."""

from itertools import count

import pytest

from scripts.drilling.configuration import QUIET
from scripts.drilling.plan import plan
from scripts.drilling.scenes import Scene, scenes
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Level
from tests.scripts.drilling.cases import AFTER_FOR, AT_ONCE, SHARE, groups

INTERVAL_S = 10


def of(name: str) -> list[Scene]:
    """Return the scenes of one of the alerts to drill."""
    (found,) = [one for group in groups(Scope(environment="x")) for one in group.alerts if one.name == name]
    return list(scenes(found, found.cases[0], INTERVAL_S, (0, 0), (f"drill-{n}" for n in count())))


def test_what_comes_at_once_is_played_after_the_start() -> None:
    detection, clearing = of("ShopDown")
    assert (detection.begins_s, detection.pending_s, detection.fires_s) == (35, 35, 35)
    assert (clearing.ends_s, clearing.clears_s) == (55, 55)
    assert clearing.active_since_s is None  # without a for there is nothing to restore


def test_a_long_detection_began_before_the_start_and_is_due_after_it() -> None:
    detection, clearing = of("TooManyBad")
    assert (detection.begins_s, detection.pending_s, detection.fires_s) == (55 - 180, 55, 55)
    assert (clearing.begins_s, clearing.ends_s, clearing.clears_s) == (55 - 720 - 1200, 55 - 720, 55)


def test_a_long_for_has_a_scene_of_its_own_that_shows_its_end() -> None:
    detection, waiting, clearing = of("TestsSourceDown")
    assert (detection.pending_s, detection.fires_s) == (35, None)
    assert (waiting.begins_s, waiting.active_since_s, waiting.fires_s) == (55 - 600, 55 - 600, 55)
    assert clearing.clears_s == 55
    assert clearing.active_since_s == clearing.begins_s < -600


@pytest.mark.parametrize("name", ["ShopDown", "TooManyBad", "TestsSourceDown"])
def test_no_scene_shares_its_environment_and_each_fault_outlasts_what_is_shown(name: str) -> None:
    found = of(name)
    assert len({scene.environment for scene in found}) == len(found)
    for scene in found:
        if scene.clears_s is None:
            assert scene.ends_s > scene.is_over_s
        else:
            assert scene.ends_s - scene.begins_s >= scene.case.fires_after_s


def test_nothing_is_due_at_a_rules_first_evaluation() -> None:
    due = [
        at - (max(0, scene.begins_s))
        for name in ("TooManyBad", "TestsSourceDown")
        for scene in of(name)
        for at in (scene.fires_s, scene.clears_s)
        if at is not None
    ]
    assert min(due) > 3 * INTERVAL_S


def test_a_plan_plays_every_case_one_page_where_none_pages_and_what_a_dead_source_holds_back() -> None:
    found = plan(groups)
    by_kind = {
        kind: [scene.alert.name for scene in found if scene.kind == kind]
        for kind in ("detection", "for", "clearing", "routing", "inhibition")
    }
    every = ["ShopDown", "TestsSourceDown", "TooManyBad"]
    assert by_kind == {
        "detection": every,
        "for": ["TestsSourceDown"],
        "clearing": every,
        "routing": ["ShopDown"],
        "inhibition": ["TestsSourceDown", "ShopDown"],
    }
    assert [scene.environment for scene in found if scene.kind == "routing"] == [QUIET]
    down, held = (scene for scene in found if scene.kind == "inhibition")
    assert down.environment == held.environment
    assert down.begins_s + AFTER_FOR.fires_after_s < 0 < held.begins_s


def test_every_case_is_one_of_the_alerts() -> None:
    alerts = [one for group in groups(Scope(environment="x")) for one in group.alerts]
    assert all(isinstance(one, Alert) for one in alerts)
    assert [one.cases for one in alerts] == [(AT_ONCE,), (AFTER_FOR,), (SHARE,)]


def test_where_a_case_says_nothing_of_its_exporter_it_is_up() -> None:
    detections = {scene.alert.name: scene for scene in plan(groups) if scene.kind == "detection"}
    ups = {
        name: [(one.labels, one.faulty) for one in scene.case.signals if one.metric == "tests_exporter_up"]
        for name, scene in detections.items()
    }
    assert ups == {
        "ShopDown": [((("source", "drill"),), Level(value=1))],
        "TestsSourceDown": [((("source", "one"),), Level(value=0))],
        "TooManyBad": [],
    }
