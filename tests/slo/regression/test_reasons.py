"""What would settle it, what could be found, and the sentences that say so."""

import math
from dataclasses import replace

import pytest
import scipy

from slo.outcomes import Outcome
from slo.regression.design import Design
from slo.regression.evidence import Counts, Evidence
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.looks import Sight
from slo.regression.measures import Pair, Value
from slo.regression.reasons import because, detectable, levels, needs, signed, sized
from slo.regression.settings import ComparisonSettings
from slo.regression.spending import normal_quantile

SETTINGS = ComparisonSettings()
LATENCY = latency_measure("checkout-latency", ("checkout",), SETTINGS)
ERRORS = error_measure("errors", ("checkout",), 0.01, SETTINGS)
ORDERS = orders_measure((), SETTINGS)
LIMIT = math.log(1.05)
FOUND = Evidence(
    differences=(LIMIT + 0.02,) * 8,
    centre=LIMIT + 0.02,
    spread=0.06,
    lasting=0.0,
    fail_limit=LIMIT,
    pass_limit=math.log(1.06),
    a=0.4,
    b=0.4286,
    can_pass=True,
)
PAIR = Pair(number=1, a=Value(value=0.4, events=1000), b=Value(value=0.4286, events=1000))
DESIGN = Design(block_s=30.0, switch_s=20.0)


def sight(found: Evidence | None = FOUND, *, dependent: bool = False) -> Sight:
    return Sight(
        evidence=found, outcome=Outcome.INCONCLUSIVE, fail_level=0.05, pass_level=0.01, look=8, dependent=dependent
    )


def needed(**changes: object) -> str | None:
    return needs(LATENCY, sight(replace(FOUND, **changes)), [PAIR], DESIGN)  # type: ignore[arg-type]


def pairs_for(gap: float, level: float, room: float = 0.0) -> int:
    """Return the sample size by the textbook, with a chance of 80 %, and two more for what t is wider."""
    times = float(scipy.stats.norm.isf(level) + scipy.stats.norm.isf(0.2))
    return math.ceil((times * 0.06) ** 2 / (gap**2 - (times * room) ** 2)) + 2


def said(pairs: int) -> str:
    """Return what is asked for: a pair is two blocks of 30 s and one and a half switches of 20 s."""
    return f"about {pairs} pairs ({math.ceil(pairs * 90 / 60)} min), if it stays as it was seen"


def test_the_pairs_that_would_show_it_are_those_of_the_sample_size_formula() -> None:
    assert pairs_for(0.02, 0.05) == 58
    assert needed() == said(58)


def test_what_two_deployments_differ_for_good_takes_from_what_can_be_shown() -> None:
    assert needed(lasting=0.005) == said(pairs_for(0.02, 0.05, 0.005)) == said(93)
    assert needed(lasting=0.0085) is not None
    assert str(needed(lasting=0.0085)).startswith("no more pairs like these: the change is too close")
    assert str(needed(lasting=0.0085)).endswith("(+6.2 %); longer blocks, more load or other tolerances do")


def test_where_deployments_differ_for_good_by_all_that_is_to_be_shown_no_number_of_pairs_shows_it() -> None:
    gap = 0.01 * (normal_quantile(0.05) + normal_quantile(0.2))
    told = needed(fail_limit=0.0, centre=gap, pass_limit=0.0, lasting=0.01)
    assert str(told).startswith("no more pairs like these: the change is too close")


def test_of_showing_it_and_of_ruling_it_out_the_sooner_is_asked_for() -> None:
    below = LIMIT + 0.002
    assert needed(centre=below, pass_limit=below + 0.05) == said(pairs_for(0.05, 0.01))
    assert needed(centre=LIMIT + 0.05, pass_limit=LIMIT + 0.07) == said(max(9, pairs_for(0.05, 0.05)))


def test_it_takes_one_more_pair_at_least_and_over_two_hundred_are_not_asked_for() -> None:
    assert needed(centre=LIMIT + 0.5) == said(9)
    times = float(scipy.stats.norm.isf(0.05) + scipy.stats.norm.isf(0.2))
    just, over = (times * 0.06 / math.sqrt(pairs - 0.5) for pairs in (198, 199))
    assert needed(centre=LIMIT + just) == said(200)
    assert str(needed(centre=LIMIT + over)).startswith("no more pairs like these")


def test_at_the_tolerance_itself_no_number_of_pairs_settles_it() -> None:
    assert str(needed(centre=LIMIT, pass_limit=LIMIT)).startswith("no more pairs like these")


def test_what_is_found_with_a_chance_of_eighty_percent_is_the_bound_and_what_it_scatters() -> None:
    """The tolerance, Student's t at the level, and the normal quantile of 80 %, in standard errors."""
    error = math.sqrt(0.06**2 / 8 + 0.01**2)
    expected = LIMIT + (float(scipy.stats.t.isf(0.05, 7)) + float(scipy.stats.norm.isf(0.2))) * error
    assert detectable(sight(), replace(FOUND, lasting=0.01)) == pytest.approx(expected)


def test_what_is_not_known_comes_before_more_pairs() -> None:
    gone = replace(PAIR, number=2, b=Value(value=None, events=0, because="no sample"))
    failed = replace(PAIR, number=3, a=Value(value=math.inf, events=1000))
    open_one = sight(replace(FOUND, can_pass=False))
    assert needs(LATENCY, open_one, [PAIR, gone], DESIGN) == "its value in every pair; pair 2: B: no sample"
    both = "its value in every pair; pairs 3, 2: the request at the quantile failed with A"
    assert needs(LATENCY, open_one, [failed, gone], DESIGN) == both
    many = [replace(gone, number=number) for number in range(1, 6)]
    assert (
        needs(LATENCY, sight(None), many, DESIGN) == "its value in every pair; pairs 1, 2, 3 and 2 more: B: no sample"
    )
    assert needs(LATENCY, sight(None), many[:3], DESIGN) == "its value in every pair; pairs 1, 2, 3: B: no sample"
    assert because(LATENCY, sight(None), [PAIR], DESIGN) == "too little is known: 1 pairs"
    text = because(LATENCY, open_one, [PAIR, gone], DESIGN)
    assert text.endswith("; and it can't pass: pair 2: B: no sample")


def test_pairs_that_are_like_the_ones_before_ask_for_other_blocks() -> None:
    alike = replace(FOUND, centre=0.0, differences=(0.1, 0.1, 0.1, 0.1, -0.1, -0.1, -0.1, -0.1))
    assert needs(LATENCY, sight(alike, dependent=True), [PAIR], DESIGN) == (
        "longer blocks, or a staging on which nothing else comes and goes by the minute"
    )
    text = because(LATENCY, sight(alike, dependent=True), [PAIR], DESIGN)
    assert "each is like the one before (correlation 0.62)" in text, "six of seven neighbours alike: (6 - 1) / 8"


def test_a_change_is_said_with_the_worse_as_a_plus_and_of_orders_the_loss_as_a_minus() -> None:
    assert [signed(one) for one in (0.123, -0.02, 0.0)] == ["+12.3 %", "-2 %", "0 %"]
    assert sized(LATENCY, FOUND, math.log(1.2)) == "+20 %"
    assert sized(ERRORS, FOUND, 0.01) == "+1 % of requests"
    orders = replace(FOUND, a=0.2, b=0.28)
    assert sized(ORDERS, orders, 0.08) == "-10 %"
    assert sized(ORDERS, replace(orders, a=1.0), 0.08) == "without an order"
    assert levels(ORDERS, orders) == "0.8 → 0.72 by session"
    assert levels(ERRORS, orders) == "20 % → 28 %"
    assert levels(LATENCY, FOUND) == "400 ms → 429 ms"


@pytest.mark.parametrize(
    ("block_s", "told"), [(2400.0, ", unless B's errors come in bursts of over 20.7 s"), (4800.0, "")]
)
def test_a_burst_of_over_half_a_minute_is_no_reservation(block_s: float, told: str) -> None:
    """Without an error among a hundred thousand a PASS stands for bursts of 20.7 and of 41.4 s."""
    counts = Counts(bad_a=0.0, events_a=1e5, bad_b=0.0, events_b=1e5)
    found = replace(FOUND, differences=(0.0,) * 8, centre=0.0, spread=0.0, a=0.0, b=0.0, counts=counts)
    passed = replace(sight(replace(found, fail_limit=0.0025, pass_limit=0.005)), outcome=Outcome.PASS)
    text = because(ERRORS, passed, [PAIR], Design(block_s=block_s, skip_s=0.0))
    assert text.endswith(f"under +0.5 % of requests passes{told}")


def test_a_tolerance_that_is_the_least_change_says_its_milliseconds() -> None:
    fast = replace(FOUND, a=0.05, b=0.06, fail_limit=math.log1p(0.005 / 0.05), centre=0.2, differences=(0.2,) * 8)
    failed = replace(sight(fast), outcome=Outcome.FAIL)
    assert because(LATENCY, failed, [PAIR], DESIGN).endswith("up to +10 % (5 ms) is tolerated")
    slow = replace(sight(replace(FOUND, centre=0.2)), outcome=Outcome.FAIL)
    assert because(LATENCY, slow, [PAIR], DESIGN).endswith("up to +5 % is tolerated")
    none = replace(LATENCY, min_change_s=0.0)
    at_all = replace(sight(replace(FOUND, fail_limit=0.0, centre=0.2)), outcome=Outcome.FAIL)
    assert because(none, at_all, [PAIR], DESIGN).endswith("up to 0 % is tolerated")
