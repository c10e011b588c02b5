"""A revised plan is the plan until the revision acts, and from there on a process of its own."""

import itertools
import re
from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.demand.arrivals import Arrival, Schedule, revise, revised, schedule, shard
from loadtests.demand.plan import Plan
from loadtests.demand.revision import Revision, factor_at, revised_curve

ALPHA = 1e-3  # seeds are fixed: a test that passes once passes always


def revisions(*changes: tuple[float, float]) -> list[Revision]:
    """Return revisions of (at_s, factor)."""
    return [
        Revision(number=number, at_s=at_s, factor=factor, why="a test")
        for number, (at_s, factor) in enumerate(changes, start=1)
    ]


FACTORS = st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.5, 3.0])
CHANGES = st.lists(st.tuples(st.floats(0, 140), FACTORS), max_size=4).map(lambda c: revisions(*sorted(c)))
SEEDS = st.integers(0, 2**53 - 1)


def rows(arrivals: Schedule, until_s: float) -> list[tuple[int, float, str, int]]:
    return [(a.number, a.at_s, a.journey, a.seed) for a in arrivals if a.at_s < until_s]


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, changes=CHANGES.filter(bool))
def test_before_a_revision_nothing_changes(plan_facts: dict[str, Any], seed: int, changes: list[Revision]) -> None:
    plan = Plan.model_validate({**plan_facts, "seed": seed})
    at_s = changes[-1].at_s
    assert rows(revised(plan, changes), at_s) == rows(revised(plan, changes[:-1]), at_s)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, changes=CHANGES)
def test_times_and_numbers_grow_and_no_number_is_given_twice(
    plan_facts: dict[str, Any], seed: int, changes: list[Revision]
) -> None:
    plan = Plan.model_validate({**plan_facts, "seed": seed})
    given_out: dict[int, tuple[float, int]] = {}
    for count in range(len(changes) + 1):
        arrivals = revised(plan, changes[:count])
        for arrival in arrivals:
            first = given_out.setdefault(arrival.number, (arrival.at_s, arrival.seed))
            assert first == (arrival.at_s, arrival.seed)
        assert arrivals.given_out == len(given_out) == max(given_out, default=-1) + 1
        assert all(a.number < b.number and a.at_s <= b.at_s for a, b in itertools.pairwise(arrivals))
        assert all(a.at_s < plan.starts_s()[-2] for a in arrivals)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, changes=CHANGES, workers=st.integers(1, 5))
def test_a_worker_that_revises_its_own_arrivals_has_its_part_of_the_revised_plan(
    plan_facts: dict[str, Any], seed: int, changes: list[Revision], workers: int
) -> None:
    plan = Plan.model_validate({**plan_facts, "seed": seed})
    whole = revised(plan, changes)
    parts = []
    for worker in range(workers):
        own = shard(schedule(plan), worker, workers)
        for change in changes:
            own = shard(revise(own, plan, change), worker, workers)
        assert list(own) == list(shard(whole, worker, workers))
        assert own.given_out == whole.given_out
        parts.append(own)
    assert sorted((a for part in parts for a in part), key=lambda a: a.number) == list(whole)


@pytest.mark.parametrize("factor", [0.25, 1.0, 2.5])
def test_what_is_drawn_anew_is_poisson_of_the_revised_curve(plan_data: dict[str, Any], factor: float) -> None:
    """Factor 1 included: another draw of the same process, before, at and after the ramp's jump."""
    plan = Plan.model_validate(plan_data)
    changes = revisions((30.0, factor))
    curve = revised_curve(plan.curve(), changes)
    times = [revised(plan.with_seed(seed), changes).at_s for seed in range(120)]
    for start_s, end_s in itertools.pairwise((30.0, *(s for s in plan.starts_s()[:-1] if s > 30.0))):
        expected = curve.expected_arrivals(end_s) - curve.expected_arrivals(start_s)
        plain = plan.curve().expected_arrivals(end_s) - plan.curve().expected_arrivals(start_s)
        assert expected == pytest.approx(factor * plain)
        counts = np.array([np.count_nonzero((t >= start_s) & (t < end_s)) for t in times])
        assert scipy.stats.poisson.cdf(counts.sum(), expected * 120) == pytest.approx(0.5, abs=0.5 - ALPHA)
        dispersion = ((counts - expected) ** 2).sum() / expected
        assert scipy.stats.chi2.cdf(dispersion, 120) == pytest.approx(0.5, abs=0.5 - ALPHA)


def test_factor_1_draws_other_arrivals_of_the_same_distribution(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    plain, again = schedule(plan).at_s, revised(plan, revisions((30.0, 1.0))).at_s
    plain, again = plain[plain >= 30], again[again >= 30]
    assert set(plain.tolist()).isdisjoint(again.tolist())
    assert scipy.stats.ks_2samp(plain, again).pvalue > ALPHA


def test_journeys_keep_their_shares_in_a_revision(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    drawn = [a.journey for a in revised(plan, revisions((0.0, 20.0)))]
    names = sorted(plan.journeys)
    expected = [plan.journeys[name] * len(drawn) for name in names]
    assert len(drawn) > 10_000
    assert scipy.stats.chisquare([drawn.count(name) for name in names], expected).pvalue > ALPHA


def test_a_pause_lets_nobody_arrive_until_the_plan_is_resumed(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    at_s = revised(plan, revisions((40.0, 0.0), (60.0, 1.0))).at_s
    assert np.count_nonzero((at_s >= 40) & (at_s < 60)) == 0
    assert np.count_nonzero(at_s < 40) > 100
    assert np.count_nonzero(at_s >= 60) > 100


def test_two_revisions_of_one_moment_are_the_later_one(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    changes = revisions((50.0, 2.0), (50.0, 0.0))
    assert revised(plan, changes).at_s.max() < 50
    assert factor_at(changes, 50.0) == 0
    assert factor_at(changes, 49.9) == 1


@settings(max_examples=60, deadline=None)
@given(changes=CHANGES, t_s=st.floats(0, 140))
def test_the_revised_rate_is_the_factor_of_the_moment_times_the_plan_s(
    plan_facts: dict[str, Any], changes: list[Revision], t_s: float
) -> None:
    plan = Plan.model_validate(plan_facts)
    curve = revised_curve(plan.curve(), changes)
    assert curve.rate(t_s) == pytest.approx(factor_at(changes, t_s) * plan.curve().rate(t_s), abs=1e-9)
    assert curve.duration_s == plan.duration_s


def test_the_same_revision_draws_the_same_on_every_machine(plan_data: dict[str, Any]) -> None:
    arrivals = revised(Plan.model_validate(plan_data), revisions((100.0, 1.0)))
    assert [next(a for a in arrivals if a.at_s >= 100), arrivals[-1]] == [
        Arrival(number=1115, at_s=100.010959974, journey="click-and-collect", seed=5412283872285029),
        Arrival(number=1357, at_s=122.987793892, journey="search-and-buy", seed=7931880857662944),
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ([(1, 5.0), (3, 6.0)], "revisions must be numbered from 1 without a gap, found [1, 3]"),
        ([(2, 5.0)], "revisions must be numbered from 1 without a gap, found [2]"),
        ([(1, 5.0), (2, 4.5)], "revision 2 acts at 4.5 s, before revision 1 at 5 s"),
    ],
)
def test_revisions_out_of_order_are_refused(
    plan_data: dict[str, Any], changed: list[tuple[int, float]], message: str
) -> None:
    plan = Plan.model_validate(plan_data)
    given = [Revision(number=number, at_s=at_s, factor=1.0, why="a test") for number, at_s in changed]
    with pytest.raises(ValueError, match=re.escape(message)):
        revised(plan, given)
    with pytest.raises(ValueError, match=re.escape(message)):
        revised_curve(plan.curve(), given)
