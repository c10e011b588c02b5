"""Each example of the page is played, its targets file is valid, and what it says is refused is, by that name."""

import json
import re
from pathlib import Path

import pytest

from loadtests.demand.plan import read_plan
from loadtests.environment.bundle import bundle_of
from loadtests.environment.storefront_targets import Locustfile
from loadtests.environment.targets import read_targets, redacted
from loadtests.locustfiles.refusals import refusals_of
from loadtests.trial.plan import plan_of
from tests.bad_input.process import peakproof
from tests.loadtests.locustfiles.players import Player, environment
from tests.loadtests.locustfiles.small_shop import running

PAGE = (Path(__file__).parents[2] / "docs" / "from-a-locustfile.md").read_text(encoding="utf-8")
LOOK, BUY, MARK = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(YAML,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
REFUSED = re.findall(r"^\| (`.*) \| .* \|$", PAGE.partition("## 6.")[2], re.MULTILINE)
USES = {
    "environment.runner": "self.environment.runner",
    "environment.stats": "self.environment.stats",
    "events.quitting": "events.quitting.add_listener(print)",
    "events.request.fire": "events.request.fire()",
    "LoadTestShape": "from locust import LoadTestShape",
    "HttpLocust": "from locust import HttpLocust",
    "MarkovTaskSet": "from locust import MarkovTaskSet",
    "task_set": "class X:\n    task_set = 1",
    "User": "class Mqtt(User):\n    @task\n    def t(self): ...",
    "time.sleep(3600)": "import time\ntime.sleep(3600)",
}


def test_the_first_example_plays_its_steps_and_mix(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, LOOK, each_in_turn=True)
        assert player.storefront.shares == {"looker": 0.9, "buyer": 0.1}
        assert player.storefront.spelled_steps == ("GET /product/{id}", "GET /", "add to cart", "checkout")
        player.play("looker")
        assert set(player.steps) == {"GET /", "GET /product/{id}"}
        player.play("buyer", number=1)
        assert {(one, error) for one, error in player.errors if error} == set()


def test_the_canary_of_the_page_s_example_is_its_session_s_own(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, MARK, each_in_turn=True, storefront={"tasks_per_session": 1})
        for number in range(2):
            player.play(number=number)
        names = {body for method, path, _, body in shop.asked if (method, path) == ("POST", "/account")}
    assert (len(names), player.context.canaries.given, player.context.canaries.shown) == (2, 2, 0)
    assert player.steps == ["register", "GET /account"] * 2


@pytest.mark.heavy
def test_the_first_example_is_tried_and_counted_into_the_plan_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOOK)
    (tmp_path / "plan.yaml").write_text(plan_of("try", "looker").to_yaml())
    with running() as shop:
        declared = environment(shop.url, Path("locustfile.py"), storefront={"tasks_per_session": 3})
        (tmp_path / "targets.yaml").write_text(json.dumps(redacted("staging", declared)))
        ended = peakproof(tmp_path, "try", "plan.yaml", "--on", "staging", "--times", "2")
        agents = {headers.get("X-Peakproof-Run") for _, _, headers, _ in shop.asked}
    assert ended.code == 0, ended.out + ended.err
    steps = read_plan(tmp_path / "plan.yaml").visits["looker"].steps
    assert (set(steps), steps["GET /"]) == ({"GET /", "GET /product/{id}"}, 1)
    assert len(agents - {None}) == 1  # the preflight's page isn't the run's
    (tmp_path / "locustfile.py").write_text(LOOK + "        self.environment.runner.quit()\n")
    refused = peakproof(tmp_path, "try", "plan.yaml", "--on", "staging")
    assert (refused.code, "environment.runner: there is no runner here" in refused.err) == (2, True)


@pytest.mark.heavy
def test_a_try_whose_file_fails_at_its_end_is_no_success(tmp_path: Path) -> None:
    fails = "\n\nfrom locust import events\n@events.test_stop.add_listener\ndef _(**_):\n    raise KeyError('totals')\n"
    (tmp_path / "locustfile.py").write_text(LOOK + fails)
    (tmp_path / "plan.yaml").write_text(plan_of("try", "looker").to_yaml())
    with running() as shop:
        declared = environment(shop.url, Path("locustfile.py"), storefront={"tasks_per_session": 1})
        (tmp_path / "targets.yaml").write_text(json.dumps(redacted("staging", declared)))
        ended = peakproof(tmp_path, "try", "plan.yaml", "--on", "staging", "--times", "1")
        assert read_plan(tmp_path / "plan.yaml").visits == {}
    assert (ended.code, "a listener of test_stop: KeyError: 'totals'" in ended.err) == (2, True), ended.err
    assert "every journey was played, but the file failed at its end: no visits are counted" in ended.err
    (run,) = (tmp_path / "tries").glob("*/run.json")
    assert "a listener of test_stop: KeyError: 'totals'" in json.loads(run.read_text())["ended_because"]


def test_the_line_that_turns_the_audit_on_writes_the_order_with_its_number(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, BUY, each_in_turn=True)
        assert player.storefront.buyers == {"buyer"}
        player.play()
    outcomes = [(row["outcome"], row["order_id"]) for row in player.ledger if row["event"] == "outcome"]
    assert outcomes == [("accepted", f"A-{number}") for number in range(1, 6)]


def test_the_targets_file_is_valid_and_names_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text(YAML)
    declared = read_targets(tmp_path / "targets.yaml").environments["staging"].storefront
    assert isinstance(declared, Locustfile)
    assert declared.locustfile == str(tmp_path / "load" / "locustfile.py")
    assert set(Locustfile.model_fields) == declared.model_fields_set


@pytest.mark.parametrize("name", [name for row in REFUSED for name in re.findall(r"`([^`]+)`", row)])
def test_what_the_page_says_is_refused_is(tmp_path: Path, name: str) -> None:
    if name == "User":
        assert "without HTTP" in PAGE  # of the imported module, in tests/loadtests/locustfiles/test_refusals.py
        return
    file = tmp_path / "locustfile.py"
    file.write_text("from locust import events\n" + USES.get(name, f"import {name.partition('.')[0]}\n{name}\n"))
    found = [one.what for one in refusals_of(bundle_of(file).modules)]
    assert [one for one in found if name.partition("(")[0] in one], found
