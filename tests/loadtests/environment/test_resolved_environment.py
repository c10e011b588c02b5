"""Before anything is sent: hosts are resolved, secrets read, and what can't be masked is refused."""

import json
from typing import Any

import pytest

from loadtests.environment.resolved_environment import ResolvedEnvironment, recorded_environment, resolve_environment
from loadtests.environment.targets import Environment
from slo.documents import BadInput
from tests.scripts.world import World, targets

TAGS = {"User-Agent": "peakproof/1", "accept": "text/html"}


def environment(address: str, **changes: Any) -> Environment:
    text = targets("https://shop.test", resolve={"shop.test": address}, **changes)
    return Environment.model_validate(json.loads(text)["environments"]["staging"])


def resolved(world: World, address: str, token: str, **changes: Any) -> ResolvedEnvironment:
    return resolve_environment(
        environment(address, **changes), world.context(SHOP_TOKEN=token, GATE="open").environment
    )


def test_a_short_token_is_refused_away_from_this_machine(world: World) -> None:
    with pytest.raises(BadInput) as refused:
        resolved(world, "10.0.0.1", "short-1")
    assert str(refused.value) == (
        "the environment variable SHOP_TOKEN: holds fewer than 8 characters, too short to be masked when the shop"
        " repeats it; take a longer one, or write what anybody may know into targets.yaml itself"
    )


def test_it_is_taken_on_this_machine_and_a_longer_one_everywhere(world: World) -> None:
    assert resolved(world, "127.0.0.1", "short-1").bearer() == "short-1"
    assert resolved(world, "10.0.0.1", "long-one").bearer() == "long-one"


def test_a_worker_s_is_the_command_s_without_the_token_of_the_sources(world: World) -> None:
    given = {"headers": {"X-Gate": {"env": "GATE"}, "Accept": "text/plain"}}
    ours = resolved(world, "127.0.0.1", "short-1", **given)
    theirs = recorded_environment(ours.environment, ours.destinations, {"GATE": "open"})
    facts = [
        (one.asked_for("shop.test"), one.proxy_to("shop.test"), one.headers(TAGS, secret=True))
        for one in (ours, theirs)
    ]
    expected = {"User-Agent": "peakproof/1", "X-Gate": "open", "Accept": "text/plain"}
    assert facts == [(("127.0.0.1",), None, expected)] * 2
    assert theirs.bearer() is None


def test_what_is_not_to_be_secret_holds_the_tags_alone(world: World) -> None:
    ours = resolved(world, "127.0.0.1", "short-1", headers={"X-Gate": {"env": "GATE"}})
    assert ours.headers(TAGS, secret=False) == TAGS
