"""Children are started with a log, waited for, and ended by pid; none outlives the command."""

import os
import signal
import sys
from pathlib import Path

import pytest

from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Child, Children, wait_until
from slo.outcomes import EnvironmentLacks

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True)\n"
SLEEP = "print('ready', flush=True)\nimport time\nwhile True: time.sleep(0.05)"


def says(child: Child, text: str) -> bool:
    return text in child.log.read_text()


def test_a_child_runs_with_its_output_in_a_log_and_its_last_words_are_the_last_line(tmp_path: Path) -> None:
    with Children(tmp_path / "logs") as children:
        child = children.start("talker", python("-c", "print('first', flush=True); raise SystemExit('port taken')"))
        child.process.wait()
        assert (child.code, child.last_log_line()) == (1, "port taken")
        assert child.log == tmp_path / "logs" / "talker.log"
        assert sorted(child.log.read_text().splitlines()) == ["first", "port taken"]


def test_a_child_that_said_nothing_is_told_so(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("mute", python("-c", ""))
        child.process.wait()
        assert child.last_log_line() == "it logged nothing"


def test_last_words_are_cut_and_need_not_be_text(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("binary", python("-c", r"import sys; sys.stdout.buffer.write(b'\xffa' * 999)"))
        child.process.wait()
        assert child.last_log_line() == "\ufffda" * 150


def test_a_child_ends_at_sigterm(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("sleeper", python("-c", SLEEP))
        wait_until(lambda: says(child, "ready"), [child], 30, "the sleeper")
        assert child.code is None
        assert child.end() == -signal.SIGTERM
        assert child.end() == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    grandchild = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)\n"
    with Children(tmp_path) as children:
        child = children.start("stubborn", python("-c", f"{grandchild}{STUBBORN}{SLEEP}"))
        wait_until(lambda: says(child, "ready"), [child], 30, "the stubborn")
        pid = int(child.log.read_text().split()[0])
        assert is_alive(pid)
        assert child.end(grace_s=0.05) == -signal.SIGKILL
        wait_until(lambda: not is_alive(pid), [], 10, "the grandchild's end")


def test_leaving_by_an_exception_ends_every_child(tmp_path: Path) -> None:
    started: list[Child] = []

    def fail() -> None:
        with Children(tmp_path) as children:
            started.extend(children.start(f"sleeper-{n}", python("-c", SLEEP)) for n in range(2))
            for child in started:
                wait_until(lambda child=child: says(child, "ready"), [child], 30, "a sleeper")  # type: ignore[misc]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [child.code for child in started] == [-signal.SIGTERM] * 2
    assert not any(is_alive(child.process.pid) for child in started)


def test_a_child_sees_the_variables_it_is_given_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUST_USERS", "1000")
    show = "import os; print(sorted(name for name in os.environ if name in ('LOCUST_USERS', 'GIVEN')))"
    with Children(tmp_path) as children:
        clean = children.start("clean", python("-c", show), environment={"GIVEN": "1"})
        ours = children.start("ours", python("-c", show))
        for child in (clean, ours):
            child.process.wait()
        assert (clean.last_log_line(), ours.last_log_line()) == ("['GIVEN']", "['LOCUST_USERS']")


def test_a_child_is_in_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("sleeper", python("-c", SLEEP))
        assert os.getsid(child.process.pid) == child.process.pid != os.getsid(0)


def test_python_of_ours_never_imports_from_the_folder_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    assert python("-c", "pass") == [sys.executable, "-P", "-c", "pass"]
    with Children(tmp_path / "logs") as children:
        child = children.start("import", python("-c", "import scripts; print(scripts.__file__)"), folder=tmp_path)
        assert child.process.wait() == 0
        assert child.last_log_line() != str(tmp_path / "scripts" / "__init__.py")


def test_waiting_ends_when_a_child_ends_with_its_last_words_and_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("shop", python("-c", "raise SystemExit('port 18081 is taken')"))
        with pytest.raises(EnvironmentLacks) as lacks:
            wait_until(lambda: False, [child], 30, "the stand-in shop")
    log = tmp_path / "shop.log"
    assert str(lacks.value) == f"the stand-in shop: shop ended with 1: port 18081 is taken (log: {log})"


def test_waiting_ends_at_its_deadline_with_the_logs(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("sleeper", python("-c", SLEEP))
        with pytest.raises(EnvironmentLacks) as lacks:
            wait_until(lambda: False, [child], 0.01, "the stand-in shop")
    assert str(lacks.value) == f"the stand-in shop: not ready after 0.01 s (logs: {tmp_path / 'sleeper.log'})"


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and wasn't waited for doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_child_that_listens_hears_lines_and_another_has_no_standard_input(tmp_path: Path) -> None:
    repeat = "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)\nprint('over', flush=True)"
    with Children(tmp_path) as children:
        one = children.start("listens", python("-c", repeat), listens=True)
        other = children.start("deaf", python("-c", repeat))
        one.send_line("pause")
        other.send_line("pause")
        wait_until(lambda: says(one, "heard pause"), [one], 30, "a listener")
        other.process.wait()
        assert other.last_log_line() == "over"
        one.end()
        one.send_line("who is gone hears nothing")
        assert one.process.stdin is not None
        assert one.process.stdin.closed
