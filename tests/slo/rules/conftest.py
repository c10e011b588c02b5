"""Objectives as the tests of rules write them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from slo.objectives.indicators import Availability, Latency
from slo.objectives.objective import Objective
from slo.objectives.selectors import parse_selector
from slo.objectives.sources import Counters, Records

TOTAL = 'http_requests_total{job="shop",route="/checkout"}'
GOOD = 'http_requests_total{job="shop",route="/checkout",code!~"5.."}'
Make = Callable[..., Objective]

_OBJECTIVE = Objective(
    name="checkout",
    display_name="Checkout answers",
    description="",
    service="shop",
    indicator=Availability(source=Counters(good=parse_selector(GOOD), total=parse_selector(TOTAL))),
    target=0.99,
    window="28d",
)


def _made(good: str = GOOD, total: str = TOTAL, *, target: float = 0.99, window: str = "28d") -> Objective:
    source = Counters(good=parse_selector(good), total=parse_selector(total))
    bound = source.good.equals("le")
    indicator = Availability(source=source) if bound is None else Latency(source=source, threshold_s=float(bound))
    return replace(_OBJECTIVE, indicator=indicator, target=target, window=window)


@pytest.fixture
def objective() -> Make:
    """Return a maker of objectives that are read from counters."""
    return _made


@pytest.fixture
def of_records() -> Objective:
    """Return an objective that is read from a load test's records."""
    return replace(_OBJECTIVE, name="waits", indicator=Availability(source=Records(steps=("checkout",))))
