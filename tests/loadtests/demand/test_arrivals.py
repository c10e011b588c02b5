"""The schedule is the plan's Poisson process: repeatable, inside its phases, each arrival on one worker."""

import itertools
import random
from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.demand.arrivals import Arrival, schedule, shard
from loadtests.demand.plan import Plan

ALPHA = 1e-3  # seeds are fixed: a test that passes once passes always


def of_level(plan_data: dict[str, Any], *, seed: int, plateau: float = 1.0, duration_s: float = 75) -> Plan:
    phases = [dict(phase) for phase in plan_data["phases"]]
    phases[2] = {"name": "ramp", "kind": "ramp", "duration_s": 15, "level": [0, plateau]}
    phases[3] = {"name": "plateau", "kind": "plateau", "duration_s": duration_s, "level": [plateau, plateau]}
    return Plan.model_validate({**plan_data, "seed": seed, "phases": phases})


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    assert list(schedule(plan)) == list(schedule(plan))
    assert list(schedule(plan)) != list(schedule(plan.with_seed(8)))


def test_a_seed_gives_these_arrivals_on_every_machine_and_python(plan_data: dict[str, Any]) -> None:
    arrivals = schedule(Plan.model_validate(plan_data))
    assert len(arrivals) == 1115
    assert [arrivals[0], arrivals[-1]] == [
        Arrival(number=0, at_s=0.277816322, journey="click-and-collect", seed=2098275684137832),
        Arrival(number=1114, at_s=122.990298079, journey="search-and-buy", seed=5611947324746839),
    ]


def test_the_numbers_are_those_of_python_s_own_generator(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    streams = random.Random(plan.seed)  # noqa: S311 - a schedule is to be repeated
    *_, of_seeds = (random.Random(int(streams.random() * 2**53)) for _ in range(3))  # noqa: S311 - the same
    assert schedule(plan).seed.tolist() == [int(of_seeds.random() * 2**53) for _ in range(1115)]


def test_a_changed_mix_leaves_the_times_and_the_seeds_alone(plan_data: dict[str, Any]) -> None:
    mixed = schedule(Plan.model_validate(plan_data))
    bought = schedule(Plan.model_validate({**plan_data, "journeys": {"search-and-buy": 1.0}}))
    assert [(a.at_s, a.seed) for a in bought] == [(a.at_s, a.seed) for a in mixed]
    assert {a.journey for a in bought} == {"search-and-buy"}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**53 - 1), plateau=st.floats(0.1, 5))
def test_arrivals_are_sorted_numbered_and_never_in_the_drain(
    plan_facts: dict[str, Any], seed: int, plateau: float
) -> None:
    plan = of_level(plan_facts, seed=seed, plateau=plateau)
    arrivals = list(schedule(plan))
    drain_s = plan.starts_s()[-2]
    assert [a.number for a in arrivals] == list(range(len(arrivals)))
    assert all(a.at_s <= b.at_s for a, b in itertools.pairwise(arrivals))
    assert all(0 <= a.at_s < drain_s for a in arrivals)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**53 - 1), workers=st.integers(1, 9))
def test_the_shards_together_are_the_schedule_each_arrival_once(
    plan_facts: dict[str, Any], seed: int, workers: int
) -> None:
    arrivals = schedule(of_level(plan_facts, seed=seed))
    shards = [shard(arrivals, worker, workers) for worker in range(workers)]
    merged = sorted((a for part in shards for a in part), key=lambda a: a.number)
    assert merged == list(arrivals)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_counts_over_many_seeds_are_poisson(plan_data: dict[str, Any]) -> None:
    """In each phase: mean and variance are the curve's area, and a chi-square test of the counts agrees."""
    plan = Plan.model_validate(plan_data)
    curve = plan.curve()
    times = [schedule(plan.with_seed(seed)).at_s for seed in range(400)]
    for start_s, end_s in itertools.pairwise(plan.starts_s()[:-1]):
        expected = curve.expected_arrivals(end_s) - curve.expected_arrivals(start_s)
        counts = np.array([np.count_nonzero((t >= start_s) & (t < end_s)) for t in times])
        assert scipy.stats.poisson.cdf(counts.sum(), expected * 400) == pytest.approx(0.5, abs=0.5 - ALPHA)
        dispersion = ((counts - expected) ** 2).sum() / expected
        assert scipy.stats.chi2.cdf(dispersion, 400) == pytest.approx(0.5, abs=0.5 - ALPHA)


def test_through_the_curve_gaps_are_exponential_of_mean_1(plan_data: dict[str, Any]) -> None:
    plan = of_level(plan_data, seed=20261127, duration_s=1000)
    curve = plan.curve()
    reached = np.array([curve.expected_arrivals(a.at_s) for a in schedule(plan)])
    assert scipy.stats.kstest(np.diff(reached, prepend=0.0), "expon").pvalue > ALPHA
    assert scipy.stats.kstest(reached / curve.total, "uniform").pvalue > ALPHA


def test_regular_arrivals_stand_in_the_middle_of_equal_areas(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate({**plan_data, "spacing": "regular"})
    curve = plan.curve()
    reached = [curve.expected_arrivals(a.at_s) for a in schedule(plan)]
    assert len(reached) == round(curve.total)
    assert reached == pytest.approx([n + 0.5 for n in range(len(reached))], abs=1e-6)


def test_journeys_are_drawn_by_their_shares(plan_data: dict[str, Any]) -> None:
    plan = of_level(plan_data, seed=5, duration_s=2000)
    drawn = [a.journey for a in schedule(plan)]
    names = sorted(plan.journeys)
    expected = [plan.journeys[name] * len(drawn) for name in names]
    assert scipy.stats.chisquare([drawn.count(name) for name in names], expected).pvalue > ALPHA


def test_a_long_schedule_drawn_in_several_chunks_is_one_process(plan_data: dict[str, Any]) -> None:
    plan = of_level(plan_data, seed=3, plateau=10, duration_s=1500)
    at_s = schedule(plan).at_s
    curve = plan.curve()
    assert len(at_s) > 2 * 65_536
    assert len(at_s) == pytest.approx(curve.total, abs=4 * curve.total**0.5)
    assert scipy.stats.kstest([curve.expected_arrivals(t) / curve.total for t in at_s[::10]], "uniform").pvalue > ALPHA


def test_a_journey_with_no_share_never_comes(plan_data: dict[str, Any]) -> None:
    shares = {"click-and-collect": 0.0, "search-and-buy": 1.0, "window-shop": 0.0}
    plan = Plan.model_validate({**plan_data, "journeys": shares})
    assert {a.journey for a in schedule(plan)} == {"search-and-buy"}


def test_every_session_has_a_seed_of_its_own(plan_data: dict[str, Any]) -> None:
    arrivals = schedule(of_level(plan_data, seed=1, duration_s=2000))
    assert len({a.seed for a in arrivals}) == len(arrivals)


def test_a_shard_keeps_the_numbers_of_the_plan(plan_data: dict[str, Any]) -> None:
    arrivals = schedule(Plan.model_validate(plan_data))
    assert [a.number for a in shard(arrivals, 1, 3)][:4] == [1, 4, 7, 10]
    assert shard(arrivals, 1, 3)[2] == arrivals[7]


@pytest.mark.parametrize(("worker", "workers"), [(2, 2), (-1, 2), (0, 0)])
def test_a_worker_that_is_not_there_is_refused(plan_data: dict[str, Any], worker: int, workers: int) -> None:
    arrivals = schedule(Plan.model_validate(plan_data))
    with pytest.raises(ValueError, match=rf"^worker must be from 0 to {workers - 1}, found {worker}$"):
        shard(arrivals, worker, workers)
