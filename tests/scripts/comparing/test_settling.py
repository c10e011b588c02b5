"""Waiting for a release that was put up."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from scripts.comparing.settling import Settled, Settling, Waits, is_stable
from scripts.comparing.switch_command import SwitchFailed
from slo.outcomes import EnvironmentLacks

Answer = tuple[str | None, float]


class Probe:
    """A shop whose answers, and how long each takes, are given; time passes only by asking and sleeping."""

    def __init__(self, answers: Iterator[Answer | None]) -> None:
        self.answers, self.now = answers, 0.0

    def ask(self) -> str | None:
        """Answer."""
        answer = next(self.answers)
        if answer is None:
            raise EnvironmentLacks("the shop doesn't answer")
        self.now += answer[1]
        return answer[0]

    def sleep(self, for_s: float) -> None:
        """Let time pass."""
        self.now += for_s

    def settle(self, expected: str | None = "2", latency_s: float = 5.0) -> Settled:
        """Wait for a release."""
        settling = Settling(
            self.ask, lambda: None, Waits(release_s=10.0, latency_s=latency_s), lambda: self.now, self.sleep
        )
        return settling.settle(lambda name: name == expected, f"B, release {expected},")


def probe(*answers: Answer | None, then: Answer | None = ("2", 0.01)) -> Probe:
    """Return a shop that gives these answers, and then always one."""
    return Probe(chain(answers, repeat(then)))


def test_a_release_that_answers_and_alike_fast_has_settled() -> None:
    assert probe().settle() == Settled(release="2")


def test_the_old_release_and_no_answer_are_waited_out() -> None:
    assert probe(("1", 0.01), None, ("1", 0.01)).settle() == Settled(release="2")


def test_answers_of_both_releases_in_turn_are_not_a_release() -> None:
    mixed = [("2", 0.01), ("1", 0.01)] * 2
    shop = probe(*mixed, then=("2", 0.01))
    shop.settle()
    assert shop.now > 3 * 0.4 + 2 * 0.5


def test_a_release_that_does_not_come_is_a_failed_switch_that_says_what_answers() -> None:
    with pytest.raises(SwitchFailed) as failed:
        probe(then=("1", 0.01)).settle()
    assert str(failed.value) == "B, release 2, didn't answer within 10 s: it names 1"


def test_a_shop_that_stays_away_is_a_failed_switch() -> None:
    with pytest.raises(SwitchFailed, match="didn't answer within 10 s: the shop doesn't answer"):
        probe(then=None).settle()


def test_a_latency_that_falls_is_waited_for() -> None:
    falling = [("2", took) for took in (0.9, 0.5, 0.2) for _ in range(5)]
    shop = probe(*falling)
    assert shop.settle(latency_s=30.0).note is None
    assert shop.now > 5 * (0.9 + 0.5 + 0.2) + 15 * 0.01


def test_a_latency_that_stays_unsteady_is_noted_and_not_waited_for_without_end() -> None:
    rounds = ("2", 0.01), ("2", 0.4)
    shop = Probe(answer for _ in range(99) for one in rounds for answer in repeat(one, 5))
    settled = shop.settle()
    assert settled.release == "2"
    assert settled.note is not None
    assert settled.note.startswith("its latency wasn't stable within 5 s: the last rounds took ")


def test_without_a_release_probe_only_a_stable_latency_is_waited_for() -> None:
    assert probe(then=(None, 0.01)).settle(expected=None) == Settled(release=None)


def test_what_must_end_the_comparison_ends_the_waiting() -> None:
    def check() -> None:
        raise EnvironmentLacks("the kill URL says stop")

    shop = probe()
    with pytest.raises(EnvironmentLacks, match="the kill URL says stop"):
        Settling(shop.ask, check, Waits(release_s=9), lambda: shop.now, shop.sleep).settle(lambda _: True, "B")


def test_three_rounds_alike_are_stable_and_two_are_not() -> None:
    assert is_stable([9.0, 0.1, 0.12, 0.14])
    assert not is_stable([0.1, 0.1])
    assert not is_stable([0.1, 0.1, 0.2])
    assert is_stable([0.001, 0.002, 0.019])
