"""The permutation test over blocks: exact for few, right for any distribution, one bound with one p-value."""

import itertools

import numpy as np
import pytest

from slo.causes.permutation import BlockSums, Floats, growth


def side(*blocks: tuple[int, float]) -> BlockSums:
    """Return a side of one name by its blocks: number of traces, and their summed self times."""
    return BlockSums(
        traces=np.array([float(traces) for traces, _ in blocks]), self_s=np.array([[self_s] for _, self_s in blocks])
    )


def sides(means: list[float], split: int) -> tuple[BlockSums, BlockSums]:
    """Return two sides whose blocks hold ten traces each, with these mean self times."""
    blocks = [(10, 10 * mean) for mean in means]
    return side(*blocks[:split]), side(*blocks[split:])


def test_the_growth_is_of_the_mean_over_traces_and_not_over_blocks() -> None:
    grown = growth(side((1, 9.0), (9, 1.0)), side((5, 10.0), (5, 10.0)))
    assert grown.grew_s == pytest.approx([1.0])


@pytest.mark.parametrize(("blocks", "smallest"), [((4, 4), 1 / 70), ((4, 8), 1 / 495), ((6, 20), 1 / 1000)])
def test_few_blocks_are_exchanged_in_all_ways_and_many_999_times(blocks: tuple[int, int], smallest: float) -> None:
    means = [1 + 0.01 * number for number in range(sum(blocks))]
    means[blocks[0] :] = [mean + 5 for mean in means[blocks[0] :]]
    assert growth(*sides(means, blocks[0])).p_value == pytest.approx([smallest])


def test_each_of_all_labellings_has_another_place_among_them() -> None:
    """The test is exact: were the labels drawn at random, a p-value of at most p would come with a chance of p."""
    means = [prime**0.5 for prime in (2, 3, 5, 7, 11, 13, 17, 19)]
    found, sure = [], 0
    for before in itertools.combinations(range(8), 4):
        ordered = [means[place] for place in before] + [means[place] for place in range(8) if place not in before]
        grown = growth(*sides(ordered, 4))
        found.append(float(grown.p_value[0]))
        sure += bool(grown.low_s[0] > 0)
    assert sorted(found) == pytest.approx([rank / 70 for rank in range(1, 71)])
    assert sure == 3


def test_the_answer_is_the_same_each_time() -> None:
    draw = np.random.default_rng(5).lognormal(0, 1, (24, 3))
    given = [BlockSums(traces=np.full(12, 10.0), self_s=part) for part in (draw[:12], draw[12:])]
    once, again = growth(*given), growth(*given)
    assert (once.p_value.tolist(), once.low_s.tolist()) == (again.p_value.tolist(), again.low_s.tolist())


@pytest.mark.parametrize("added", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_the_bound_is_above_zero_exactly_where_the_p_value_is_at_most_five_percent(added: float) -> None:
    draw = 10 + np.random.default_rng(3).normal(0, 1, (12, 6))
    draw[4:] += added * np.arange(6)
    grown = growth(*(BlockSums(traces=np.full(len(part), 10.0), self_s=part) for part in (draw[:4], draw[4:])))
    assert (grown.low_s > 0).tolist() == (grown.p_value <= 0.05).tolist()


def test_a_name_beside_many_that_are_noise_needs_a_larger_growth() -> None:
    draw = 10 + np.random.default_rng(4).normal(0, 1, (16, 40))
    draw[6:, 0] += 1.2
    alone, among = (
        growth(*(BlockSums(traces=np.full(len(part), 10.0), self_s=part[:, :names]) for part in (draw[:6], draw[6:])))
        for names in (1, 40)
    )
    assert alone.p_value[0] < among.p_value[0]
    assert alone.low_s[0] > among.low_s[0]


def test_self_times_that_never_differ_didnt_grow() -> None:
    grown = growth(*sides([0.1] * 8, 4))
    assert (grown.grew_s[0], grown.p_value[0]) == (pytest.approx(0.0), 1.0)


def test_a_step_without_any_spread_is_sure() -> None:
    grown = growth(*sides([0.1] * 4 + [0.3] * 4, 4))
    assert (grown.p_value[0], grown.low_s[0]) == (pytest.approx(1 / 70), pytest.approx(0.2))


def test_what_fell_is_no_growth() -> None:
    assert growth(*sides([5.0, 5.1, 5.2, 5.3, 1.0, 1.1, 1.2, 1.3], 4)).p_value[0] > 0.9


@pytest.mark.parametrize(
    ("traces", "self_s"),
    [(np.array([5.0]), np.zeros((1, 1))), (np.array([5.0, 0.0]), np.zeros((2, 1))), (np.ones(3), np.zeros((2, 1)))],
    ids=["one block", "a block without a trace", "other sums"],
)
def test_what_has_no_spread_is_refused(traces: Floats, self_s: Floats) -> None:
    with pytest.raises(ValueError, match="block"):
        BlockSums(traces=traces, self_s=self_s)
