"""Payments held against orders: money that was taken and has no order that was accepted for it.

Orders of a load test may be left out of the accepted ones, where their payments aren't: they are taken off, too.
"""

from dashboards.grafana.promql import RATE, at, or_zero, rate, total
from exporters.names import orders as names

_ENVIRONMENT = "environment"
_CAPTURED, _ACCEPTED = (
    rate(family.name, f'{names.STATUS}="{status}"')
    for family, status in ((names.PAYMENTS, "captured"), (names.ENDED, "accepted"))
)
CAPTURED, ACCEPTED = total(_CAPTURED), total(_ACCEPTED)
_LEFT_OUT = rate(names.LEFT_OUT.name, f'{names.REASON}="test"')
_OF_TESTS = f"({or_zero(_LEFT_OUT, rate(names.ENDED.name), _ENVIRONMENT)})"


def without_an_order() -> str:
    """Return the payments a second that were captured beyond the orders accepted; 0 where there are none.

    The least of an interval: one list that is read later than the other is no money without an order. Each environment
    by itself: orders of one whose payments aren't known make up for no payment of another.
    """
    captured, accepted = total(_CAPTURED, _ENVIRONMENT), total(_ACCEPTED, _ENVIRONMENT)
    beyond = f"clamp_min({captured} - {accepted} - {_OF_TESTS}, 0)"
    return total(f"min_over_time(({beyond}){RATE[:-1]}:])")


def expected_ratio() -> str:
    """Return the accepted orders as a ratio of those expected, of the environments that have an expectation."""
    expected = total(at(names.EXPECTED.name), _ENVIRONMENT)
    return f"sum({total(_ACCEPTED, _ENVIRONMENT)} and {expected}) / (sum({expected}) > 0)"


def without_an_order_ratio() -> str:
    """Return their share of the captured payments; absent where none was captured."""
    return f"{without_an_order()} / ({CAPTURED} > 0)"
