"""Keys are read one by one from a terminal, and the terminal is as it was after every ending."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.running.keyboard import REFUSED, Keyboard, Unsuspended, apply_keys
from tests.waiting import wait_for

ROOT = Path(__file__).parents[3]
SHELL = ROOT / "tests" / "children" / "shell.py"
WAIT_S = 30.0


class Terminal:
    """A terminal with the small shell in it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.text = self.passed = ""
        self.job: int | None = None
        self.shell = subprocess.Popen(
            [sys.executable, "-P", SHELL],
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=self._take,  # noqa: PLW1509 - no thread runs here
        )

    def _take(self) -> None:
        """Make it the terminal of the new session."""
        os.close(os.open(os.ttyname(self.theirs), os.O_RDWR))

    def wait_for(self, text: str) -> None:
        give_up_at = time.monotonic() + WAIT_S
        while text not in self.text:
            assert time.monotonic() < give_up_at, self.text
            if select.select([self.ours], [], [], 0.05)[0]:
                self.text += os.read(self.ours, 4096).decode()
        self.passed, _, self.text = self.text.partition(text)

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    @property
    def has_keys_one_by_one(self) -> bool:
        flags = termios.tcgetattr(self.theirs)[3]
        return not flags & termios.ICANON and not flags & termios.ECHO

    @property
    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    one = Terminal()
    try:
        yield one
    finally:
        if one.shell.poll() is None:
            os.killpg(one.shell.pid, signal.SIGSTOP)  # it waits for no job any more: the number stays the job's
            if one.job is not None:
                with suppress(ProcessLookupError):  # it was waited for
                    os.kill(one.job, signal.SIGKILL)
            os.killpg(one.shell.pid, signal.SIGKILL)
        one.shell.wait()
        os.close(one.ours)
        os.close(one.theirs)


def job_of(terminal: Terminal) -> int:
    terminal.wait_for("job ")
    terminal.wait_for("\r\n")
    job = terminal.job = int(terminal.passed)
    terminal.wait_for("ready")
    return job


def send(number: signal.Signals) -> Callable[[Terminal, int], None]:
    return lambda _, job: os.kill(job, number)


def press(keys: str) -> Callable[[Terminal, int], None]:
    return lambda terminal, _: terminal.press(keys)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (press("e"), 0),
        (press("x"), 1),
        (press("\x03"), 0),
        (send(signal.SIGTERM), 0),
        (send(signal.SIGHUP), -signal.SIGHUP),
        (press("\x1c"), -signal.SIGQUIT),
    ],
    ids=["its end", "an exception", "Ctrl-C", "SIGTERM", "SIGHUP", "Ctrl-backslash"],
)
def test_the_terminal_is_as_it_was_after(terminal: Terminal, end: Callable[[Terminal, int], None], code: int) -> None:
    job = job_of(terminal)
    assert terminal.has_keys_one_by_one
    terminal.press("p")
    terminal.wait_for("key p")
    end(terminal, job)
    terminal.wait_for(f"ended {code}")
    assert terminal.is_as_before


def test_a_signal_that_is_ignored_stays_so() -> None:
    ours, theirs = pty.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Keyboard(theirs):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGQUIT) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
        os.close(ours)
        os.close(theirs)


def test_nobody_suspends_a_run_and_who_would_is_told(terminal: Terminal) -> None:
    """Neither Ctrl-Z nor a signal; the load would play on, and nobody would hear the kill URL."""
    job = job_of(terminal)
    for suspend in (press("\x1a"), send(signal.SIGTSTP)):
        suspend(terminal, job)
        terminal.wait_for(f"told {REFUSED}")
        assert "stopped" not in terminal.passed
        assert terminal.has_keys_one_by_one
        terminal.press("+")
        terminal.wait_for("key +")
    terminal.press("e")
    terminal.wait_for("ended 0")
    assert terminal.is_as_before


def test_a_run_that_may_not_write_to_its_terminal_from_the_background_goes_on(terminal: Terminal) -> None:
    """With `stty tostop` a word would suspend it."""
    job = job_of(terminal)
    mode = termios.tcgetattr(terminal.theirs)
    mode[3] |= termios.TOSTOP
    termios.tcsetattr(terminal.theirs, termios.TCSANOW, mode)
    terminal.shell.send_signal(signal.SIGUSR1)  # the shell takes the terminal, as after `bg`
    terminal.wait_for("taken")
    os.kill(job, signal.SIGTSTP)
    terminal.wait_for(f"told {REFUSED}")
    assert "stopped" not in terminal.passed
    os.kill(job, signal.SIGTERM)
    terminal.wait_for("ended 0")


def test_who_was_stopped_without_being_asked_has_its_keys_again_when_it_goes_on(terminal: Terminal) -> None:
    job = job_of(terminal)
    os.kill(job, signal.SIGSTOP)
    terminal.wait_for("stopped")
    termios.tcsetattr(terminal.theirs, termios.TCSANOW, terminal.before)  # as a shell does for itself
    terminal.press("go on\n")
    wait_for(lambda: terminal.has_keys_one_by_one, "keys one by one", WAIT_S)
    terminal.press("e")
    terminal.wait_for("ended 0")
    assert terminal.is_as_before


def test_each_key_is_a_change_and_one_is_what_ctrl_c_is() -> None:
    changes = list[tuple[str, str]]()

    def change_rate(change: str, who: str) -> None:
        changes.append((change, who))

    apply_keys("p+x-\x1b", change_rate)
    assert changes == [("pause or resume", "the key p"), ("more", "the key +"), ("less", "the key -")]
    with pytest.raises(KeyboardInterrupt):
        apply_keys("pq+", change_rate)
    assert changes[3:] == [("pause or resume", "the key p")]


def test_without_a_terminal_there_are_no_keys_and_nobody_suspends_the_run_either() -> None:
    before, told = signal.getsignal(signal.SIGTSTP), list[str]()
    with Unsuspended(told.append) as unsuspended, Keyboard(None) as keys:
        assert keys.pressed(0.0) == ""
        os.kill(os.getpid(), signal.SIGTSTP)
        unsuspended.explain()
        unsuspended.explain()
    assert told == [REFUSED]
    assert signal.getsignal(signal.SIGTSTP) == before
