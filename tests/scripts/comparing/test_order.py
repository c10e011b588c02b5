"""The order of a comparison's blocks."""

from scripts.comparing.order import draw, switches


def test_each_pair_has_both_releases() -> None:
    order = draw(12, "a seed")
    assert all(sorted(order[at : at + 2]) == ["a", "b"] for at in range(0, 24, 2))


def test_the_order_within_a_pair_is_drawn_by_chance() -> None:
    first = [draw(1, f"job {number}")[0] for number in range(1000)]
    assert 440 <= first.count("a") <= 560


def test_neighbouring_pairs_know_nothing_of_each_other() -> None:
    pairs = [draw(2, f"job {number}") for number in range(1000)]
    assert 440 <= sum(one[0] == one[2] for one in pairs) <= 560


def test_the_first_pairs_are_the_same_however_many_are_drawn() -> None:
    assert draw(12, "seed")[:8] == draw(4, "seed")


def test_the_way_to_the_first_block_and_back_to_a_are_switches() -> None:
    assert switches(("b", "a", "b")) == 4
    assert switches(("a", "b", "b", "a")) == 2
    assert switches(("a",)) == 0
