"""Everything that is given is read, checked and copied before the first request."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.inputs import Inputs, hash_inputs, prepare
from scripts.running.read_inputs import check_policy, read_inputs
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from slo.policy.policy import read_policy
from tests.record_pages import record_pages
from tests.scripts.world import OBJECTIVES, PLAN, World, slo, targets, write_inputs

CEILING = {"requests_per_s": 500, "open_sessions": 2000, "orders": 20000}


def read(folder: Path, **given: str) -> Inputs:
    write_inputs(folder, **given)
    return read_inputs(folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml", "staging")


def refused(folder: Path, **given: str) -> str:
    with pytest.raises(BadInput) as error:
        read(folder, **given)
    return str(error.value).replace(f"{folder}/", "")


def test_a_plan_over_the_ceiling_of_requests_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, targets=targets(ceiling={**CEILING, "requests_per_s": 99})) == (
        "plan.yaml: plays up to 100 requests a second; the environment's ceiling.requests_per_s is 99"
    )


def test_a_plan_at_the_ceiling_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, targets=targets(ceiling={**CEILING, "requests_per_s": 100, "orders": 540})).plan.name


def test_a_plan_over_the_ceiling_of_orders_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, targets=targets(ceiling={**CEILING, "orders": 539})) == (
        "plan.yaml: places about 540 orders; the environment's ceiling.orders is 539"
    )


def test_the_highest_level_counts_not_the_last(tmp_path: Path) -> None:
    plan = PLAN.replace("plateau, duration_s: 20, level: [1, 1]", "plateau, duration_s: 20, level: [9, 0.1]")
    assert refused(tmp_path, plan=plan) == (
        "plan.yaml: plays up to 900 requests a second; the environment's ceiling.requests_per_s is 500"
    )


def test_streams_are_listened_to_over_either_version_of_http(tmp_path: Path) -> None:
    streams = f"{PLAN}streams: orders\n"
    assert read(tmp_path, plan=streams).plan.streams == "orders"
    assert read(tmp_path, plan=streams, targets=targets(http_version=2)).plan.streams == "orders"


def test_connections_are_not_shared_over_http_2(tmp_path: Path) -> None:
    shared = PLAN.replace("open_sessions: 100", "open_sessions: 100, connections: 7")
    assert refused(tmp_path, plan=shared, targets=targets(http_version=2)) == (
        "plan.yaml: limits.connections shares connections of HTTP/1.1, and the environment has http_version: 2,"
        " where each session has one of its own; leave one of them out"
    )
    assert read(tmp_path, plan=shared, targets=targets(http_version=1.1)).environment.http_version == "1.1"
    assert read(tmp_path, targets=targets(http_version=2)).environment.http_version == "2"


def test_a_plan_that_wants_the_cdn_needs_one_in_the_environment(tmp_path: Path) -> None:
    assert refused(tmp_path, plan=PLAN + "assets: all\n") == (
        "plan.yaml: assets: all needs a CDN; add hosts: {cdn: {url: …}} to the environment, or set assets: shop"
    )
    there = targets(hosts={"cdn": {"url": "https://cdn.example.com"}})
    assert read(tmp_path, plan=PLAN + "assets: all\n", targets=there).plan.assets == "all"
    assert read(tmp_path, plan=PLAN + "assets: shop\n").plan.assets == "shop"


def test_giving_up_on_an_objective_that_is_not_there_is_refused(tmp_path: Path) -> None:
    plan = PLAN + "not_judged: [{objective: checkout-speed, because: too few}]\n"
    assert refused(tmp_path, plan=plan) == (
        "plan.yaml: not_judged names the objective 'checkout-speed';"
        " there are: checkout-answers, checkout-waits, server-answers"
    )


def test_an_environment_that_is_not_in_the_targets_is_refused_with_those_there_are(tmp_path: Path) -> None:
    assert refused(tmp_path, targets=targets().replace('"staging"', '"qa"')) == (
        "targets.yaml: no environment 'staging'; there are: qa"
    )


@pytest.mark.parametrize(
    ("changed", "declared"),
    [
        ({}, {"orders", "payments", "stock", "release", "traces"}),
        (
            {"traces": False, "shop_records": record_pages(payments="http://a", stock="http://a")},
            {"payments", "stock", "release"},
        ),
        (
            {"release_probe": None, "shop_records": record_pages(orders="http://a", funnel="http://a")},
            {"orders", "traces"},
        ),
    ],
)
def test_what_the_environment_declares_is_known(tmp_path: Path, changed: dict[str, Any], declared: set[str]) -> None:
    assert read(tmp_path, targets=targets(**changed)).declared == declared


def test_a_run_directory_holds_copies_and_their_hashes(tmp_path: Path) -> None:
    inputs = read(tmp_path)
    run = prepare(inputs, World(folder=tmp_path).context().runs)
    assert run.path.parent == tmp_path / "runs"
    assert run.plan.read_text() == PLAN
    assert (run.objectives / "objectives.yaml").read_text() == OBJECTIVES
    assert list(json.loads(run.targets.read_text())["environments"]) == ["staging"]
    assert inputs.plan_sha256 == hashlib.sha256(PLAN.encode()).hexdigest()
    assert hash_inputs(run) == {
        "objectives/objectives.yaml": hashlib.sha256(OBJECTIVES.encode()).hexdigest(),
        "plan.yaml": inputs.plan_sha256,
        "targets.redacted.json": hashlib.sha256(run.targets.read_bytes()).hexdigest(),
    }


def test_only_the_environment_that_is_loaded_is_copied(tmp_path: Path) -> None:
    both = json.loads(targets())
    both["environments"]["production"] = {**both["environments"]["staging"], "token_env": "PRODUCTION_TOKEN"}
    run = prepare(read(tmp_path, targets=json.dumps(both)), World(folder=tmp_path).context().runs)
    assert list(json.loads(run.targets.read_text())["environments"]) == ["staging"]
    assert "PRODUCTION_TOKEN" not in run.targets.read_text()


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file stands where the folder should be")
    with pytest.raises(EnvironmentLacks) as lacks:
        prepare(read(tmp_path), World(folder=tmp_path).context().runs)
    assert str(lacks.value) == f"{tmp_path / 'runs'}: can't be written: Not a directory"


def test_an_objective_about_a_journey_that_the_plan_does_not_play_is_refused_before_the_run(tmp_path: Path) -> None:
    bought = "{journeys: [search-and-buy, flash-drop]}"
    text = slo("purchases", bought, bought, "peakproof-sessions")
    assert refused(tmp_path, objectives=text) == (
        "plan.yaml: the objective purchases is about sessions of flash-drop, and the plan plays none; it plays:"
        " search-and-buy; correct the objective's journeys, or name it in not_judged"
    )
    given_up = f"{PLAN}not_judged: {json.dumps([{'objective': 'purchases', 'because': 'a test'}])}\n"
    assert read(tmp_path, plan=given_up, objectives=text).objectives[0].journeys == ("search-and-buy", "flash-drop")


OWN = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def look(self):
        self.get("products", "/")
"""


def test_an_objective_about_steps_that_no_journey_makes_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    journeys = "journeys: {look: 1}\nvisits: {look: {steps: {products: 1}}}"
    plan, own = PLAN.replace("journeys: {search-and-buy: 1.0}", journeys), targets(storefront={"file": "mine.py"})
    assert refused(tmp_path, plan=plan, targets=own) == (
        "plan.yaml: the objective checkout-answers is about checkout, and no journey makes such a step; there are:"
        " products; correct the objective's steps, or name it in not_judged"
    )
    given_up = [{"objective": name, "because": "a test"} for name in ("checkout-answers", "checkout-waits")]
    some = f"{plan}not_judged: {json.dumps([*given_up, {'objective': 'server-answers', 'because': 'a test'}])}\n"
    assert read(tmp_path, plan=some, targets=own).plan.not_judged
    made = plan.replace("{products: 1}", "{products: 1, checkout: 2}")
    assert read(tmp_path, plan=made, targets=own).objectives[0].steps == ("checkout",)


WAIVER = """format: peakproof/policy/v1
waivers:
  - {%s, owner: ops, reason: known, expires: 2030-01-01}
"""


def test_a_waiver_of_what_the_run_does_not_have_is_refused(tmp_path: Path) -> None:
    inputs, path = read(tmp_path), tmp_path / "policy.yaml"
    there = inputs.objectives[0].name
    path.write_text(WAIVER % f"objective: {there}")
    check_policy(read_policy(path), inputs, path)
    for kind, names in (("objective", there), ("criterion", "none")):
        path.write_text(WAIVER % f"{kind}: other")
        with pytest.raises(BadInput) as error:
            check_policy(read_policy(path), inputs, path)
        assert str(error.value).startswith(f"{path}: waivers: there is no {kind} 'other' to waive; there are: ")
        assert names in str(error.value)
