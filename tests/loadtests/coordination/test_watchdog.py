"""A process whose master is silent for 15 s, or whose parent has ended, takes its part of the run for over."""

import pytest

from loadtests.coordination.watchdog import MasterSilence, until_orphaned


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


def test_it_ends_when_its_parent_has_ended_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter((7, 7, 7, 1))
    slept: list[float] = []
    monkeypatch.setattr("loadtests.coordination.watchdog.os.getppid", lambda: next(parents))
    monkeypatch.setattr("loadtests.coordination.watchdog.gevent.sleep", slept.append)
    assert until_orphaned() == "the process that started the run is gone"
    assert slept == [1.0, 1.0]
