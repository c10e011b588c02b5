"""The benchmark's shop is known to this process for the time of a test, and to no other test."""

from collections.abc import Iterator

import pytest

from loadtests import journeys, storefronts
from loadtests.demand import plan, visits
from loadtests.environment import targets
from scripts.benches.engine import shop


@pytest.fixture
def bench_shop() -> Iterator[None]:
    """Register the shop, and forget it afterwards."""
    shop.register()
    yield
    for name in shop.JOURNEYS:
        del journeys.JOURNEYS[name]
        del visits.VISITS[name]
        plan.JOURNEYS.remove(name)
    del storefronts.STOREFRONTS[shop.STOREFRONT]
    targets.STOREFRONTS.remove(shop.STOREFRONT)
