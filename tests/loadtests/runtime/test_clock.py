"""A run's clock agrees with the wall when it starts and never goes back."""

import time

import pytest

from loadtests.runtime.clock import Clock


def test_it_starts_at_the_wall_s_time() -> None:
    before = time.time_ns()
    now = Clock.start().now()
    assert before - 1_000_000 <= now <= time.time_ns() + 1_000_000


def test_it_never_goes_back() -> None:
    clock = Clock.start()
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)


def test_a_wall_clock_that_is_set_back_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.start()
    before = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now() >= before
