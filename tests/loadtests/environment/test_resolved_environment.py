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
        " repeats it; use a longer one, or write a value that isn't secret into targets.yaml itself"
    )


def test_it_is_taken_on_this_machine_and_a_longer_one_everywhere(world: World) -> None:
    assert resolved(world, "127.0.0.1", "short-1").bearer() == "short-1"
    assert resolved(world, "10.0.0.1", "long-one").bearer() == "long-one"


def test_a_worker_s_is_the_command_s_without_the_token_of_the_sources(world: World) -> None:
    given = {"headers": {"X-Gate": {"env": "GATE"}, "Accept": "text/plain"}}
    ours = resolved(world, "127.0.0.1", "short-1", **given)
    theirs = recorded_environment(ours.environment, ours.destinations, {"GATE": "open"})
    facts = [(one.endpoints("shop.test"), one.proxy_to("shop.test"), one.headers(TAGS)) for one in (ours, theirs)]
    expected = {"User-Agent": "peakproof/1", "X-Gate": "open", "Accept": "text/plain"}
    assert facts == [(("127.0.0.1",), None, expected)] * 2
    assert theirs.bearer() is None


def test_a_host_is_told_what_is_declared_for_it_and_nothing_of_another_s(world: World) -> None:
    login = {"url": "https://127.0.0.2", "headers": {"X-Login": {"env": "GATE"}}}
    hosts = {"cdn": {"url": "http://127.0.0.3"}, "login": login}
    ours = resolved(world, "127.0.0.1", "short-1", headers={"X-Gate": {"env": "GATE"}}, hosts=hosts)
    assert [ours.headers(TAGS, label) for label in (None, "cdn", "login")] == [
        {**TAGS, "X-Gate": "open"}, TAGS, {**TAGS, "X-Login": "open"},
    ]  # fmt: skip
    assert [ours.tls(label) is None for label in (None, "cdn", "login")] == [False, True, False]
