"""A periodic timer calls until it is stopped, whatever the callback does."""

import time

import gevent

from loadtests.runtime.periodic_timer import PeriodicTimer

PERIOD_S = 0.005


def count_calls(timer: PeriodicTimer, calls: list[float], count: int) -> None:
    timer.start()
    with gevent.Timeout(30):
        while len(calls) < count:
            gevent.sleep(PERIOD_S)


def test_it_calls_no_faster_than_its_period_and_not_before_one_is_over() -> None:
    calls: list[float] = []
    timer = PeriodicTimer(PERIOD_S, lambda: calls.append(time.monotonic()))
    gevent.get_hub().loop.update_now()  # the loop's time may be some ms old
    began = time.monotonic()
    count_calls(timer, calls, 10)
    timer.stop()
    assert calls[9] - began >= 9 * PERIOD_S


def test_after_its_stop_nothing_is_called_and_a_second_stop_is_harmless() -> None:
    calls: list[float] = []
    timer = PeriodicTimer(PERIOD_S, lambda: calls.append(time.monotonic()))
    count_calls(timer, calls, 2)
    timer.stop()
    timer.stop()
    count = len(calls)
    gevent.sleep(10 * PERIOD_S)
    assert len(calls) == count


def test_a_callback_that_fails_does_not_end_it() -> None:
    calls: list[float] = []

    def callback() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise LookupError("a defect")

    timer = PeriodicTimer(PERIOD_S, callback)
    count_calls(timer, calls, 3)
    timer.stop()
    assert len(calls) >= 3
