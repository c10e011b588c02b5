"""What pairs say of a measure, at the edges."""

import math
from dataclasses import replace

import pytest

from slo.outcomes import Outcome
from slo.regression.comparison import compare
from slo.regression.design import Design
from slo.regression.evidence import Evidence, unknown
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.looks import Sight, passes
from slo.regression.measures import Measured, Pair, Value
from slo.regression.settings import ComparisonSettings
from tests.slo.known.comparisons import latencies

SETTINGS = ComparisonSettings()
ERRORS = error_measure("errors", ("checkout",), 0.01, SETTINGS)
FOUND = Evidence(
    differences=(),
    centre=0.01,
    spread=0.0001,
    lasting=0.0,
    fail_limit=0.0025,
    pass_limit=0.005,
    a=0.0,
    b=0.01,
    can_pass=True,
)


def test_a_difference_of_just_the_tolerance_is_neither_over_it_nor_as_far_below() -> None:
    for edge in (0.0025, -0.0025):
        assert replace(FOUND, differences=(*[0.01] * 6, edge, *[0.0] * 5)).fails(0.02)
    assert not replace(FOUND, differences=(*[0.01] * 6, -0.0026, *[0.0] * 5)).fails(0.02)
    assert not replace(FOUND, differences=(*[0.01] * 6, 0.0025, *[0.0] * 5)).fails(0.01)


def test_a_bound_that_is_the_limit_shows_neither_a_change_nor_that_there_is_none() -> None:
    certain = replace(FOUND, differences=(0.02,) * 12, spread=0.0)
    assert not replace(certain, fail_limit=certain.centre).fails(0.05)
    assert replace(certain, fail_limit=certain.centre - 1e-9).fails(0.05)
    assert passes(replace(certain, pass_limit=certain.centre), 0.05) is Outcome.INCONCLUSIVE
    assert passes(replace(certain, pass_limit=certain.centre + 1e-9), 0.05) is Outcome.PASS


def test_of_what_nothing_is_known_anything_is_possible() -> None:
    nothing = Sight(evidence=None, outcome=Outcome.INCONCLUSIVE, fail_level=0.05, pass_level=0.05, look=4)
    assert (nothing.low, nothing.high) == (-math.inf, math.inf)


@pytest.mark.parametrize(("quantile", "least"), [(0.5, 10), (0.9, 50), (0.95, 100), (0.99, 500)])
def test_a_quantile_rests_on_five_requests_beyond_it(quantile: float, least: int) -> None:
    measure = latency_measure("a", ("home",), SETTINGS.model_copy(update={"quantile": quantile}))
    enough, few = (Value(value=0.1, events=events) for events in (least, least - 1))
    assert unknown(measure, Pair(number=1, a=enough, b=enough)) is None
    told = f"B: {least - 1} requests, too few: {least} are needed"
    assert unknown(measure, Pair(number=1, a=enough, b=few)) == told


@pytest.mark.parametrize(("level", "fails"), [(1 / 32, True), (1 / 33, False)])
def test_five_over_the_limit_and_none_as_far_below_come_by_chance_once_in_32(level: float, *, fails: bool) -> None:
    assert replace(FOUND, differences=(*[0.01] * 5, *[0.0] * 7)).fails(level) is fails


def test_a_ratio_of_a_single_event_is_known_and_one_of_none_is_not() -> None:
    pair = Pair(number=1, a=Value(value=0.0, events=1), b=Value(value=1.0, events=1))
    assert unknown(ERRORS, pair) is None
    assert unknown(ERRORS, replace(pair, b=Value(value=0.0, events=0))) == "B: no events"


def test_the_correlation_that_is_told_is_the_largest_of_all_measures() -> None:
    latency = latency_measure("latency", ("checkout",), SETTINGS)
    both = [
        Measured(measure=replace(latency, name=f"like {like}"), pairs=latencies(1.06, 0.2, seed, 8, like=like))
        for seed, like in ((3, 0.0), (4, 0.3))
    ]
    design = Design(looks=(8, 12))
    alone = [compare([one], design, SETTINGS).autocorrelation for one in both]
    told = compare(both, design, SETTINGS)
    assert told.outcome is Outcome.INCONCLUSIVE
    assert alone[0] != alone[1]
    assert told.autocorrelation == max(one for one in alone if one is not None)


@pytest.mark.parametrize(
    ("measure", "ratio"), [(ERRORS, 0.005), (orders_measure((), SETTINGS), 0.01)], ids=["errors", "orders"]
)
def test_half_of_a_budget_or_one_in_a_hundred_may_be_lost_on_our_side(measure: object, ratio: float) -> None:
    assert getattr(measure, "most_lost_ratio", None) == ratio


@pytest.mark.parametrize(("last", "dependent"), [(3, False), (5, True)])
def test_neighbours_that_correlate_by_four_tenths_are_still_independent(last: int, *, dependent: bool) -> None:
    """The products of neighbours come to 12 and the squares to 30, which is 0.4; with a larger last one it is more."""
    steps = (-1, 0, 0, -1, -3, -1, 3, last)
    pairs = tuple(
        Pair(number=number, a=Value(value=0.25, events=64), b=Value(value=0.25 + one / 64, events=64))
        for number, one in enumerate(steps, 1)
    )
    found = compare([Measured(measure=ERRORS, pairs=pairs)], Design(looks=(8, 12)), SETTINGS)
    assert ("the pairs aren't independent" in (found.results[0].because or "")) == dependent
    assert (found.autocorrelation == 0.4) == (not dependent)
