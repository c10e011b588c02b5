"""Which growth is told: of winsorised self times, beyond doubt, and a part of the duration."""

import numpy as np
import pytest

from slo.causes.comparison import Compared, Floats, Side, compare

NAMES = 8
BASE = np.array([8.0, 5, 3, 3, 2, 2, 1, 1])
PER_BLOCK = 5


def side(self_s: Floats, per_block: int = PER_BLOCK) -> Side:
    return Side(self_s=self_s, block=np.arange(len(self_s)) // per_block)


def compared(before: Floats, now: Floats, per_block: int = PER_BLOCK) -> Compared:
    return compare(side(before, per_block), side(now, per_block), float(now.sum(axis=1).mean()))


def heavy(seed: int, traces: int, sigma: float) -> Floats:
    noise = np.random.default_rng(seed).lognormal(-sigma * sigma / 2, sigma, (traces, NAMES))
    return np.asarray(noise * BASE, dtype=np.float64)


def cold(seed: int, traces: int) -> Floats:
    """Return self times of which one in twenty is ten times as long."""
    random = np.random.default_rng(seed)
    return np.asarray(heavy(seed, traces, 0.5) * np.where(random.random((traces, NAMES)) < 0.05, 10, 1))


@pytest.mark.parametrize("kind", ["1.5", "2", "cold"])
def test_a_small_reference_beside_many_traces_names_no_cause_of_noise(kind: str) -> None:
    """20 traces against 200, the balance at which Welch's test named one in 39 to 55 of 100 clean reports."""
    named = 0
    for seed in range(20):
        draw = cold(seed, 220) if kind == "cold" else heavy(seed, 220, float(kind))
        named += bool(compared(draw[:20], draw[20:]).named.any())
    assert named <= 3


def test_one_slow_trace_in_a_hundred_names_no_cause() -> None:
    """125 traces against 850, one in a hundred fifty times as long: Welch's test named one in 46 of 100 reports."""
    named = 0
    for seed in range(20):
        slow = np.random.default_rng(1000 + seed).random((975, NAMES)) < 0.01
        draw = heavy(seed, 975, 0.5) * np.where(slow, 50, 1)
        named += bool(compared(draw[:125], draw[125:], 31).named.any())
    assert named <= 3


def test_traces_of_one_moment_are_no_independent_witnesses() -> None:
    """What is common to a block's traces names no cause, however many traces there are in it."""
    named = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        moment = np.repeat(np.exp(random.normal(0, 0.3, (16, NAMES))), 100, axis=0)
        draw = heavy(seed, 1600, 0.3) * moment
        named += bool(compared(draw[:400], draw[400:], 100).named.any())
    assert named <= 3


def test_a_span_that_takes_a_third_longer_is_named_alone() -> None:
    before, now = heavy(1, 40, 1.0), heavy(2, 80, 1.0)
    now[:, 5] += 0.3 * 25
    assert np.flatnonzero(compared(before, now).named).tolist() == [5]


def test_means_and_growth_are_of_winsorised_self_times_with_one_bound_for_both_sides() -> None:
    before, now = np.full((100, 1), 1.0), np.full((100, 1), 1.0)
    now[0] = 1000.0
    found = compared(before, now)
    assert (found.before_s.tolist(), found.now_s.tolist()) == ([1.0], [1.0])
    alike = compared(np.vstack([before, now]), np.vstack([before, now]))
    assert alike.growth.grew_s.tolist() == [pytest.approx(0.0)]


@pytest.mark.parametrize(
    ("traces", "grew", "named"), [(80, 0.01, False), (80, 0.03, True), (1200, 0.03, False), (1200, 0.06, True)]
)
def test_a_growth_of_two_percent_of_the_duration_is_told_and_five_among_many_traces(
    traces: int,
    grew: float,
    named: bool,  # noqa: FBT001 - a column of the table
) -> None:
    random = np.random.default_rng(7)
    draw = 1 + random.normal(0, 0.001, (traces, 2))
    before, now = draw[: traces // 2], draw[traces // 2 :].copy()
    now[:, 0] += 2 * grew
    assert compared(before, now, traces // 16).named.tolist() == [named, False]
