"""A worker that hears nothing of its master for 15 s is alone; one word, and it begins to count anew."""

import pytest

from loadtests.coordination.watchdog import MasterSilence


def test_it_is_alone_after_15_silent_seconds_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    silence = MasterSilence(told.append)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert not silence.is_long
        if len(slept) == 7:
            silence.heard()

    monkeypatch.setattr("loadtests.coordination.watchdog.gevent.sleep", sleep)
    assert silence.until_long() == (
        "nothing was heard of the master for 15 s; mend the network between it and its workers"
    )
    assert silence.is_long
    assert told == [*range(1, 7), *range(1, 16)]
    assert slept == [1] * 21
