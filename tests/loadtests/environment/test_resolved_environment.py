"""Before anything is sent: hosts are resolved, secrets read, and what can't be masked is refused."""

import json

import pytest

from loadtests.environment.resolved_environment import reach_of
from loadtests.environment.targets import Environment
from slo.documents import BadInput
from tests.scripts.world import World, targets


def environment(address: str) -> Environment:
    text = targets("https://shop.test", resolve={"shop.test": address})
    return Environment.model_validate(json.loads(text)["environments"]["staging"])


def test_a_short_token_is_refused_away_from_this_machine(world: World) -> None:
    with pytest.raises(BadInput) as refused:
        reach_of(environment("10.0.0.1"), world.context(SHOP_TOKEN="short-1").environment)
    assert str(refused.value) == (
        "the environment variable SHOP_TOKEN: holds fewer than 8 characters, too short to be masked when the shop"
        " repeats it; take a longer one, or write what anybody may know into targets.yaml itself"
    )


def test_it_is_taken_on_this_machine_and_a_longer_one_everywhere(world: World) -> None:
    assert reach_of(environment("127.0.0.1"), world.context(SHOP_TOKEN="short-1").environment).bearer() == "short-1"
    assert reach_of(environment("10.0.0.1"), world.context(SHOP_TOKEN="long-one").environment).bearer() == "long-one"
