"""A process whose event loop hangs ends by itself and says where; one that was only paused goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.runtime.hang_watch import Frame, read_hang

CHILD = Path(__file__).parents[2] / "children" / "hangs.py"


@contextmanager
def start(path: Path, how: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, CHILD, path, how], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("how", "function", "code"), [("loops", "loop", 75), ("matches", "match", 1)])
def test_code_that_never_yields_is_ended_and_named(tmp_path: Path, how: str, function: str, code: int) -> None:
    """A regular expression holds the interpreter itself: nothing of Python's runs, and the C library ends it."""
    path = tmp_path / "errors" / "hang-w0.txt"
    with start(path, how) as process:
        assert process.wait(timeout=30) == code
    lines = CHILD.read_text().splitlines()
    (frame, *_) = [one for one in read_hang(path) if one.file == str(CHILD)]
    assert frame.function == function
    assert lines[frame.line - 1].strip() in {"while True:", "pass", 're.match(r"(a+)+$", "a" * 60 + "b")'}


def test_a_process_that_was_paused_for_longer_than_a_hang_goes_on_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "errors" / "hang-w0.txt"
    with start(path, "turns") as process:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.2)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(timeout=30) == 0
    assert not path.exists()


def test_nothing_hung_where_there_is_no_file_or_an_empty_one(tmp_path: Path) -> None:
    assert read_hang(tmp_path / "none.txt") == ()
    (tmp_path / "empty.txt").write_text("")
    assert read_hang(tmp_path / "empty.txt") == ()


def test_of_several_threads_the_one_that_holds_the_hub_is_read(tmp_path: Path) -> None:
    lines = (
        "Current thread 0x1 (most recent call first):",
        '  File "/a/hang_watch.py", line 6 in _watch',
        "",
        "Thread 0x2 (most recent call first):",
        '  File "/r/storefront/mine.py", line 4 in buy',
        '  File "/p/s.py", line 9 in play',
    )
    text = "\n".join(lines) + "\n"
    (tmp_path / "hang.txt").write_text(text)
    assert read_hang(tmp_path / "hang.txt") == (Frame("/r/storefront/mine.py", 4, "buy"), Frame("/p/s.py", 9, "play"))
