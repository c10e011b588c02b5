"""The walk, played once: the shop in health, then each fault for long enough that the panels have seen nothing else."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from scripts.local_stack.prometheus_binary import find_prometheus
from slo.outcomes import EnvironmentLacks
from tests.dashboards.walk.screen import RATE_S, Reader, Window
from tests.dashboards.walk.shoppers import shopping
from tests.dashboards.walk.ways import PROVIDER_DOWN, WAYS, not_shown
from tests.dashboards.walk.world import World, watched
from tests.staging.harness import check_out

_LOOK_S = 10
_FAULT_S = RATE_S + 4
# What stands longer than these: what is shown only once it has lasted, and the alert PrintQueueStalled, which waits.
_LONGER_S = {"double-charge": 2 * RATE_S, "lost-webhook": 2 * RATE_S, "late-orders": RATE_S + 16}
RELEASES = (
    "slow-checkout",
    "double-charge",
    "lost-webhook",
    "repeated-webhook",
    "oversell",
    "locked-out",
    "late-orders",
)
# A machine that is busy with other tests holds the exporters up: a fault may be looked at again, so often, so soon.
_MORE, _AGAIN_S = 8, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """When the shop was in health, twice, and when it had each fault; `gift_card` was taken twice."""

    database: Path
    gift_card: str
    reader: Reader
    healthy: Window
    still_healthy: Window
    faulty: dict[str, Window] = field(default_factory=dict)


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    try:
        prometheus = find_prometheus(os.environ, print)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    with watched(tmp_path_factory.mktemp("walk"), prometheus) as world, shopping(world):
        gift_card = _taken_twice(world)
        time.sleep(RATE_S)
        walk = Walk(
            database=world.database,
            gift_card=gift_card,
            reader=Reader(prometheus=world.prometheus),
            healthy=_stretch(_LOOK_S),
            still_healthy=_stretch(_FAULT_S),
        )
        for release in RELEASES:
            walk.faulty[release] = _played(walk, release, partial(world.deploy, release))
            world.deploy("stable")
        walk.faulty[PROVIDER_DOWN] = _played(walk, PROVIDER_DOWN, world.payments.end)
        yield walk


def _taken_twice(world: World) -> str:
    """Let two orders use one gift card, which the release "reused-gift-card" allows; return its code."""
    code = "WALK-0001"
    world.shop.put("vouchers", {"vouchers": [{"code": code, "kind": "gift-card", "cents": 500}]}).raise_for_status()
    world.shop.put("release", {"release": "reused-gift-card"}).raise_for_status()
    for number in range(2):
        shopper = world.shop.shopper()
        cart = {"lines": [{"sku": "tearex-m-black", "quantity": 1}], "gift_card": code}
        shopper.post(f"{world.shop.url}/cart", json=cart, timeout=20).raise_for_status()
        check_out(world.shop, shopper, f"gift-card-{number}").raise_for_status()
    world.shop.put("release", {"release": "stable"}).raise_for_status()
    return code


def _played(walk: Walk, fault: str, begin: Callable[[], object]) -> Window:
    """Begin a fault, and return a window in which all of its way shows it, or the last that was looked at."""
    begin()
    window = _stretch(_LONGER_S.get(fault, _FAULT_S))
    (way,) = (one for one in WAYS if one.fault == fault)
    for _ in range(_MORE):
        if not not_shown(walk.reader, way, walk.healthy, window):
            break
        window = _stretch(_AGAIN_S)
    return window


def _stretch(seconds: float) -> Window:
    """Wait, and return the last of what could be looked at."""
    time.sleep(seconds)
    return Window(start=time.time() - _LOOK_S, end=time.time())
