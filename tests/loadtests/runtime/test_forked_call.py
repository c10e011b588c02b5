"""What ends a process by a signal ends its copy alone."""

import ctypes
import os
import signal
from pathlib import Path

import pytest

from loadtests.runtime.forked_call import FORKS, CrashedError, forked
from slo.documents import BadInput

ONLY_LINUX = pytest.mark.skipif(not FORKS, reason="no copy is made but on Linux")


def test_what_is_returned_comes_back_whole() -> None:
    assert forked(lambda: list(range(200_000))) == list(range(200_000))


def test_what_is_raised_comes_back() -> None:
    def refuse() -> None:
        raise BadInput("a.parquet: no")

    with pytest.raises(BadInput, match=r"a\.parquet: no"):
        forked(refuse)


@ONLY_LINUX
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL])
def test_an_end_without_an_answer_is_an_error(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CrashedError):
        forked(lambda: os.kill(os.getpid(), number))
    assert capfd.readouterr().err == ""


@ONLY_LINUX
def test_what_a_library_says_before_it_ends_the_process_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def end() -> None:
        os.write(2, b"terminate called")
        ctypes.CDLL(None).abort()

    with pytest.raises(CrashedError):
        forked(end)
    assert capfd.readouterr().err == ""


@ONLY_LINUX
def test_no_process_and_no_descriptor_is_left() -> None:
    def left() -> tuple[int, str]:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        return len(list(Path("/proc/self/fd").iterdir())), children

    before = left()
    forked(os.getpid)
    with pytest.raises(CrashedError):
        forked(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert left() == before
