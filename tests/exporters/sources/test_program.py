"""A program is run within a deadline and a size, and nothing that it started outlives it."""

import os
import sys
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.program import Program
from tests.exporters.subjects.reading import within
from tests.waiting import wait_for

SHELL = ("/bin/sh", "-c")


def program(script: str, *, max_bytes: int = 1 << 20, masks: tuple[bytes, ...] = ()) -> Program:
    return Program(
        arguments=(*SHELL, script),
        folder=Path("/"),
        environment={"PATH": os.defpath, "TOKEN": "hunter2-hunter2"},
        masks=masks,
        max_bytes=max_bytes,
    )


def test_what_a_program_prints_is_returned_whole() -> None:
    assert program("printf abc; printf ignored >&2").output(within()) == b"abc"


def test_a_program_gets_the_variables_that_it_is_given_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANOTHER", "secret")
    assert program('printf "%s|%s" "$TOKEN" "$ANOTHER"').output(within()) == b"hunter2-hunter2|"


def test_a_program_that_ends_badly_is_unreadable_with_its_last_line_and_no_secret_in_it() -> None:
    with pytest.raises(Unreadable) as error:
        program('echo first >&2; printf "bad \\033 $TOKEN\\n" >&2; exit 3', masks=(b"hunter2-hunter2",)).output(
            within()
        )
    assert str(error.value) == "sh: ended with 3: bad ? ***************"


def test_a_program_that_fails_in_silence_says_so() -> None:
    with pytest.raises(Unreadable, match=r"^sh: ended with 1: it said nothing$"):
        program("exit 1").output(within())


def test_a_program_that_isnt_there_is_unreadable() -> None:
    with pytest.raises(Unreadable, match=r"^nowhere: can't be run: No such file or directory$"):
        Program(arguments=("/nowhere",), folder=Path("/"), environment={}).output(within())


def test_a_program_that_prints_without_end_is_ended() -> None:
    with pytest.raises(Unreadable, match=r"^sh: printed more than the 1000 bytes allowed$"):
        program("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", max_bytes=1000).output(within())


@pytest.mark.parametrize("script", ["echo begun; sleep 60", "exec >&- 2>&-; sleep 60"])
def test_a_program_that_hangs_is_ended_at_the_deadline(script: str) -> None:
    with pytest.raises(Unreadable, match=r"^sh: hasn't ended within the deadline$"):
        program(script).output(within(0.3))


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    with pytest.raises(Unreadable):
        program(f"sleep 600 & echo $! > {left}; wait").output(within(0.5))
    process = Path(f"/proc/{left.read_text().strip()}/cmdline")
    wait_for(lambda: not process.exists() or process.read_bytes() == b"", "the end of what it started")


def test_python_itself_is_such_a_program() -> None:
    asked = Program(arguments=(sys.executable, "-c", "print(1)"), folder=Path("/"), environment={})
    assert asked.output(within()) == b"1\n"
