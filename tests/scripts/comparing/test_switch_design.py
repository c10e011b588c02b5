"""The design of a comparison whose releases are put up one after the other."""

from dataclasses import replace
from functools import partial

import pytest

from scripts.comparing.order import draw
from scripts.comparing.switch_design import Costs, as_asked, at_most_s, choose, detectable, duration_s, looks_of
from slo.documents import BadInput
from slo.regression.design import Design

ORDER = partial(draw, seed="one of many")
CHEAP = Costs(switch_s=5, beside_s=20, beside_most_s=35, skip_s=10, least_measured_s=25)
DEAR = replace(CHEAP, switch_s=300)
HOUR_S = 3600.0


def test_dear_switches_make_for_fewer_and_longer_blocks() -> None:
    cheap = choose(CHEAP, ORDER, HOUR_S, 0.05).design
    dear = choose(DEAR, ORDER, 2 * HOUR_S, 0.05).design
    assert dear.pairs < cheap.pairs
    assert dear.block_s > cheap.block_s


def test_what_is_chosen_finds_as_small_a_change_as_twelve_pairs_with_both_up() -> None:
    both_up = as_asked(Design(looks=(12,), block_s=35.0, skip_s=10.0), CHEAP, ORDER, HOUR_S)
    for costs in (CHEAP, DEAR):
        chosen = choose(costs, ORDER, 2 * HOUR_S, 0.05)
        assert detectable(chosen, costs, 0.05) <= detectable(both_up, CHEAP, 0.05)


def test_where_that_takes_too_long_the_least_change_within_the_time_is_found() -> None:
    roomy = choose(DEAR, ORDER, 2 * HOUR_S, 0.05)
    tight = choose(DEAR, ORDER, 54 * 60.0, 0.05)
    assert tight.most_s <= 54 * 60 < roomy.most_s
    assert detectable(tight, DEAR, 0.05) > detectable(roomy, DEAR, 0.05)


def test_deployments_that_differ_take_more_pairs() -> None:
    alike = choose(CHEAP, ORDER, HOUR_S, 0.05).design
    unlike = choose(CHEAP, ORDER, HOUR_S, 0.05, deployment_sd=0.1).design
    assert unlike.pairs > alike.pairs


def test_a_block_is_measured_as_long_as_its_steps_need() -> None:
    costs = replace(CHEAP, least_measured_s=203)
    assert choose(costs, ORDER, 3 * HOUR_S, 0.05).design.block_s == 215


def test_what_does_not_fit_into_the_time_is_refused_with_what_it_takes() -> None:
    costs = replace(CHEAP, switch_s=900)
    with pytest.raises(BadInput) as refused:
        choose(costs, ORDER, HOUR_S, 0.05)
    assert str(refused.value) == (
        "the comparison may take 133 minutes (4 pairs of blocks of 35 s, 8 switches of 900 s), and --max-minutes"
        " leaves 60.0: raise it, raise the plan's demand, or make switching faster"
    )


def test_a_design_that_is_given_is_refused_too_when_it_takes_too_long() -> None:
    with pytest.raises(BadInput, match="12 pairs of blocks of 30 s"):
        as_asked(Design(), CHEAP, ORDER, 600.0)


def test_the_whole_time_holds_every_switch_and_every_block_with_what_is_beside_it() -> None:
    assert duration_s(("a", "b"), 40.0, CHEAP) == 2 * (40 + 20) + 2 * 5
    assert duration_s(("b", "a"), 40.0, CHEAP) == 2 * (40 + 20) + 2 * 5
    assert duration_s(("b", "a", "b", "a"), 40.0, CHEAP) == 4 * (40 + 20) + 4 * 5


def test_at_most_a_busy_machine_slower_switches_and_each_look_are_in_the_time() -> None:
    design = Design(looks=(4, 6), block_s=40.0, skip_s=10.0)
    assert at_most_s(("b", "a", "b", "a"), design, CHEAP) == 4 * (40 + 35) + 4 * (5 + 1 + 5) + 2 * 5
    assert replace(CHEAP, switch_s=300).switch_most_s == 300 + 20 + 5
    none = replace(CHEAP, switch_s=0)
    assert at_most_s(("b", "a", "b", "a"), design, none) == 4 * (40 + 35) + 2 * 5


def test_it_is_looked_first_after_four_pairs_and_last_after_all() -> None:
    assert [looks_of(pairs) for pairs in (4, 6, 7, 12)] == [(4,), (4, 5, 6), (5, 7), (4, 6, 8, 10, 12)]
