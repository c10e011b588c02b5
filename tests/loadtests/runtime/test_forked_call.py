"""What ends a process by a signal ends its copy alone."""

import ctypes
import os
import pickle
import signal
import threading
import time
from pathlib import Path

import pytest

from loadtests.runtime.forked_call import FORKS, CrashedError, forked
from slo.documents import BadInput

ONLY_LINUX = pytest.mark.skipif(not FORKS, reason="no copy is made but on Linux")


def nothing() -> None:
    """Tell nothing of how far the copy is."""


def test_what_is_returned_comes_back_whole() -> None:
    assert forked(lambda: list(range(200_000)), nothing) == list(range(200_000))


def test_what_is_raised_comes_back() -> None:
    def refuse() -> None:
        raise BadInput("a.parquet: no")

    with pytest.raises(BadInput, match=r"a\.parquet: no"):
        forked(refuse, nothing)


@ONLY_LINUX
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL])
def test_an_end_without_an_answer_is_an_error(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CrashedError):
        forked(lambda: os.kill(os.getpid(), number), nothing)
    assert capfd.readouterr().err == ""


@ONLY_LINUX
def test_what_a_library_says_before_it_ends_the_process_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def end() -> None:
        os.write(2, b"terminate called")
        ctypes.CDLL(None).abort()

    with pytest.raises(CrashedError):
        forked(end, nothing)
    assert capfd.readouterr().err == ""


@ONLY_LINUX
def test_an_answer_that_is_cut_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pickle.dumps
    monkeypatch.setattr(pickle, "dumps", lambda told: whole(told)[:-5])
    with pytest.raises(CrashedError, match=r"^ended without an answer$"):
        forked(lambda: "a long answer", nothing)


@ONLY_LINUX
def test_a_copy_that_stands_still_is_ended() -> None:
    """A lock that another thread holds when the copy is made is never released in it."""
    lock = threading.Lock()
    with lock, pytest.raises(CrashedError, match=r"^stood still for 0\.1 s$"):
        forked(lock.acquire, nothing, still_s=0.1)


@ONLY_LINUX
def test_a_copy_that_gets_on_has_the_time_that_it_takes() -> None:
    steps = iter(range(100))

    def work() -> str:
        time.sleep(0.5)
        return "done"

    assert forked(work, lambda: next(steps), still_s=0.1) == "done"


@ONLY_LINUX
def test_no_process_and_no_descriptor_is_left() -> None:
    def left() -> tuple[int, str]:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        return len(list(Path("/proc/self/fd").iterdir())), children

    before = left()
    forked(os.getpid, nothing)
    with pytest.raises(CrashedError):
        forked(lambda: os.kill(os.getpid(), signal.SIGKILL), nothing)
    assert left() == before
