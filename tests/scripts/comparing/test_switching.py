"""`peakproof compare --switch` and `--with` up to the first block: what can't be compared, what a switch did wrong."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadtests.comparison.job import ComparisonJob, read_job
from scripts.comparing import settling, switch_command
from scripts.comparing.asked import Asked, Switch
from scripts.comparing.job_folder import policy_of
from scripts.comparing.switching import NO_PROBE, compare_by_command, compare_environments
from scripts.local_stack.ports import Ports
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.ports import free_base
from tests.scripts.world import PLAN, FakeShop, World, fake_shop, script, slo, targets, write_inputs

RELEASE = {"/healthz": (200, {"version": "1"}), "/": (200, {})}
RECORDS = slo("checkout-waits", "{steps: [checkout], within_s: 0.4}", "{steps: [checkout]}")


@dataclass(kw_only=True)
class Staging:
    """A shop, a command that may put another release up in it, and a comparison of both."""

    world: World
    shop: FakeShop
    asked: Asked

    def compare(self, text: str = "./switch", timeout_s: float = 2.0, takes_s: float | None = None) -> ComparisonJob:
        """Compare; return the document of what was played."""
        switch = Switch(text=text, timeout_s=timeout_s, takes_s=takes_s)
        return compare_by_command(self.asked, switch, self.world.context()).job

    def fails(self, text: str = "./switch", timeout_s: float = 2.0) -> str:
        """Compare, which must fail before a block is played; return why."""
        with pytest.raises(EnvironmentLacks) as failed:
            self.compare(text, timeout_s)
        return str(failed.value)

    @property
    def job(self) -> ComparisonJob:
        """The document of the only comparison."""
        (folder,) = (self.world.folder / "runs").glob("*-compare-*")
        return read_job(folder)

    def switch(self, text: str) -> None:
        """Write the command."""
        script(self.world.folder / "switch", text)

    def called(self) -> list[str]:
        """Return the releases that the command was called for."""
        path = self.world.folder / "called"
        return path.read_text().split() if path.exists() else []


NOTE = 'echo "$PEAKPROOF_VARIANT" >> called'


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Staging]:
    """Give a shop on release 1, asked without a pause; nothing is loaded, and no Prometheus is started."""
    monkeypatch.setattr(settling, "_BETWEEN_S", 0.0)
    monkeypatch.setattr(settling, "_BETWEEN_ROUNDS_S", 0.01)
    monkeypatch.setattr(switch_command, "_GRACE_S", 0.1)
    with fake_shop(RELEASE) as shop:
        write_inputs(tmp_path, plan=PLAN, objectives=RECORDS, targets=targets(shop.url, idle=None))
        variables = {"PATH": os.environ["PATH"], "SHOP_TOKEN": "t", "PEAKPROOF_PROMETHEUS": "/bin/true"}
        asked = Asked(
            plan=tmp_path / "plan.yaml",
            objectives=(tmp_path / "objectives.yaml",),
            targets=tmp_path / "targets.yaml",
            on="staging",
            ports=Ports(base=free_base()),
        )
        yield Staging(world=World(folder=tmp_path, environment=variables), shop=shop, asked=asked)


def test_a_command_that_is_not_found_changes_nothing_and_makes_no_folder(staging: Staging) -> None:
    with pytest.raises(BadInput, match=r"--switch: \./switch isn't a program that can be run"):
        staging.compare()
    assert not (staging.world.folder / "runs").exists()


def test_a_command_that_fails_ends_the_comparison_and_a_is_put_back(staging: Staging) -> None:
    staging.switch(f'{NOTE}; [ "$PEAKPROOF_VARIANT" = a ] || {{ echo "no image 2"; exit 4; }}')
    assert "the switch command ended with 4 on putting B up" in staging.fails()
    assert staging.called() == ["b", "a"]
    assert staging.job.ended == "failed"
    assert staging.job.notes[-1].startswith("A was put back in ")


def test_a_command_that_hangs_half_way_is_ended_and_a_is_put_back(staging: Staging) -> None:
    staging.switch(f'{NOTE}; [ "$PEAKPROOF_VARIANT" = a ] || sleep 60')
    assert "wasn't done after 0.3 s (--switch-timeout) and was ended" in staging.fails(timeout_s=0.3)
    assert staging.called() == ["b", "a"]
    assert staging.job.notes[-1].startswith("A was put back in ")


def test_a_command_that_puts_the_same_release_up_is_refused_with_what_the_probe_names(staging: Staging) -> None:
    staging.switch(NOTE)
    assert staging.fails(timeout_s=0.3) == (
        "B, a release other than A's 1 (to compare a release with itself, add --same), didn't answer within 0.3 s:"
        " it names 1"
    )
    assert staging.called() == ["b", "a"]


class StopsAtTheSwitch(list[str]):
    """What is said; from the first switch on, the kill URL says stop."""

    def __init__(self, shop: FakeShop) -> None:
        super().__init__()
        self._shop = shop

    def append(self, line: str) -> None:
        """Note a line."""
        super().append(line)
        if line == "putting B up":
            self._shop.answers["/kill"] = (410, {})


def test_what_ended_the_comparison_does_not_keep_a_that_was_put_back_from_being_seen(staging: Staging) -> None:
    staging.switch(NOTE)
    staging.shop.answers["/kill"] = (200, {})
    (staging.world.folder / "targets.yaml").write_text(targets(staging.shop.url, kill_url=f"{staging.shop.url}/kill"))
    staging.world.said = StopsAtTheSwitch(staging.shop)
    assert "/kill says stop" in staging.fails()
    assert staging.called() == ["b", "a"]
    assert staging.job.notes[-1].startswith("A was put back in ")


def test_when_a_can_not_be_put_back_that_is_said_with_the_command_to_type(staging: Staging) -> None:
    staging.switch(f"{NOTE}; exit 1")
    staging.fails()
    assert staging.job.notes[-1].startswith("A IS NOT BACK: the switch command ended with 1 on putting A up")
    line = f"put it up by hand: cd {staging.world.folder} && PEAKPROOF_VARIANT=a ./switch"
    assert line in staging.job.notes[-1]
    assert any(line in said for said in staging.world.said)


def test_what_would_take_too_long_by_what_is_told_switches_nothing(staging: Staging) -> None:
    staging.switch(NOTE)
    with pytest.raises(BadInput, match=r"switches of 900 s\), and --max-minutes leaves (60|59)\.\d"):
        staging.compare(takes_s=900)
    assert staging.called() == []
    assert staging.job.notes == ()


def test_without_a_release_probe_that_is_said_and_only_a_stable_latency_is_waited_for(staging: Staging) -> None:
    staging.switch(NOTE)
    text = targets(staging.shop.url, release_probe=None)
    (staging.world.folder / "targets.yaml").write_text(text)
    staging.asked = replace(staging.asked, max_minutes=3)
    with pytest.raises(BadInput, match=r"--max-minutes leaves [23]\.\d"):
        staging.compare()
    assert NO_PROBE in staging.job.notes
    assert staging.called() == ["b", "a"]


def test_the_lease_is_held_while_releases_are_switched_and_given_back_at_the_end(staging: Staging) -> None:
    staging.switch(f"{NOTE}; cat leases/*.json >> held")
    staging.asked = replace(staging.asked, same=True, max_minutes=3)
    with pytest.raises(BadInput, match=r"the comparison may take \d+ minutes \(4 pairs .*leaves [23]\.\d"):
        staging.compare()
    assert staging.called() == ["b", "a"]
    held = (staging.world.folder / "held").read_text().splitlines()
    assert [json.loads(line)["environment"] for line in held] == ["staging", "staging"]
    assert list((staging.world.folder / "leases").glob("*.json")) == []


def test_a_comparison_that_is_cut_short_keeps_the_policy_that_it_is_judged_by(staging: Staging) -> None:
    policy = staging.world.folder / "own.yaml"
    policy.write_text("format: peakproof/policy/v1\ncomparison: {fail_ratio: 1.2, pass_ratio: 1.4}\n")
    staging.asked = replace(staging.asked, policy=policy)
    staging.switch("exit 1")
    staging.fails()
    (folder,) = (staging.world.folder / "runs").glob("*-compare-*")
    assert policy_of(folder).comparison.fail_ratio == 1.2


def two(one: str, other: str, **keys: object) -> str:
    """Return a targets file with the environments blue and green."""
    blue = json.loads(targets(one))["environments"]["staging"]
    green = {**json.loads(targets(other))["environments"]["staging"], **keys}
    return json.dumps({"format": "peakproof/targets/v1", "environments": {"blue": blue, "green": green}})


def test_two_environments_on_one_release_are_refused(staging: Staging) -> None:
    with fake_shop(RELEASE) as other:
        (staging.world.folder / "targets.yaml").write_text(two(staging.shop.url, other.url))
        with pytest.raises(BadInput) as refused:
            compare_environments(replace(staging.asked, on="blue"), "green", staging.world.context())
    assert str(refused.value) == (
        "blue and green both name release 1: deploy B to green, or add --same to compare a release with itself"
    )


def test_two_environments_that_differ_are_played_with_what_differs_said(staging: Staging) -> None:
    with fake_shop({**RELEASE, "/healthz": (200, {"version": "2"})}) as other:
        text = two(staging.shop.url, other.url, fingerprint={"replicas": 3})
        (staging.world.folder / "targets.yaml").write_text(text)
        with pytest.raises(BadInput, match=r"--max-minutes leaves [01]\.\d"):
            compare_environments(replace(staging.asked, on="blue", max_minutes=1), "green", staging.world.context())
    assert (staging.job.a.release, staging.job.b.release) == ("1", "2")
    assert "no fingerprint is declared of blue: whether the environments are alike isn't known" in staging.job.notes
