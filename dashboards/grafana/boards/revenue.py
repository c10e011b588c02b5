"""Revenue in PromQL: what comes in, what was to be expected, and what is at risk, by environment.

Expected revenue is the orders that the exporter expects times the usual revenue of an order placed. Of an order placed,
not accepted: so the usual share of declines is in it, and payments that fail are revenue at risk as much as orders
that never come. Without an expectation, or without a usual revenue, there is no value.
"""

from dashboards.grafana.promql import RATE, at, total
from exporters.names import orders as names

_ENVIRONMENT = "environment"
_RANGE = "[$__range]"
# Without the last hour: an incident doesn't lower what it is held against from its first minute on.
_USUAL = "[1d] offset 1h"
_CENTS = 100


def weeks_before(count: int) -> str:
    """Return the modifier that takes a vector from so many weeks before."""
    return f" offset {7 * count}d"


def per_s(before: str = "") -> str:
    """Return the revenue a second, in whole units of the shop's currency; `before` is a modifier."""
    return f"{_each(names.REVENUE.name, 'rate', RATE + before)} / {_CENTS}"


def expected_per_s() -> str:
    """Return the revenue a second that was to be expected."""
    return f"{total(at(names.EXPECTED.name), _ENVIRONMENT)} * {_usual_of_an_order()}"


def at_risk_per_s() -> str:
    """Return by how much a second's revenue is below what was to be expected; 0 where it isn't."""
    return f"clamp_min({expected_per_s()} - {per_s()}, 0)"


def behind_in_range() -> str:
    """Return by how much the revenue of the time shown is below what was to be expected; 0 where it isn't."""
    expected = f"sum by ({_ENVIRONMENT}) (avg_over_time({at(names.EXPECTED.name)}{_RANGE})) * $__range_s"
    came_in = f"{_each(names.REVENUE.name, 'increase', _RANGE)} / {_CENTS}"
    return f"clamp_min({expected} * {_usual_of_an_order()} - {came_in}, 0)"


def _usual_of_an_order() -> str:
    revenue = _each(names.REVENUE.name, "increase", _USUAL)
    placed = _each(names.PLACED.name, "increase", _USUAL)
    return f"({revenue} / {_CENTS} / ({placed} > 0))"


def _each(counter: str, function: str, window: str) -> str:
    return total(f"{function}({at(counter)}{window})", _ENVIRONMENT)
