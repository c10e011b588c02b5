"""The guard runs a program that knows nothing of us, and ends it when we are gone."""

import signal
from pathlib import Path

from loadtests.runtime import guarded_child as guard
from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Child, Children, wait_until
from tests.scripts.local_stack.test_processes import SLEEP, STUBBORN, is_alive, says

GUARD = str(Path(guard.__file__))
TELL = "import os; print(os.getpid(), flush=True)\n"


def pid_of(child: Child) -> int:
    """Wait until the program has said its pid and that it is ready."""
    wait_until(lambda: says(child, "ready"), [child], 30, "the program")
    return int(child.log.read_text().split()[0])


def test_the_programs_exit_code_is_the_guards(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("guard", python(GUARD, *python("-c", "raise SystemExit(7)")))
        assert child.process.wait() == 7


def test_sigterm_reaches_the_program(tmp_path: Path) -> None:
    last = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
    with Children(tmp_path) as children:
        child = children.start("guard", python(GUARD, *python("-c", f"{TELL}{last}{SLEEP}")))
        pid = pid_of(child)
        assert child.end() == 9
        assert not is_alive(pid)


def test_the_programs_end_is_heard_of_and_not_looked_for(tmp_path: Path) -> None:
    """A guard that looked after its program once in an hour would end with it all the same."""
    last = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
    seldom = (
        "import sys\nfrom loadtests.runtime import guarded_child as guard\n"
        "guard._LOOK_S = 3600\nsys.exit(guard.main(sys.argv[1:]))"
    )
    with Children(tmp_path) as children:
        for asked in (True, False):
            program = python("-c", f"{TELL}{last}{SLEEP}" if asked else "import time\ntime.sleep(0.3)")
            child = children.start(f"guard-{asked}", python("-c", seldom, *program))
            if asked:
                pid_of(child)
                child.process.terminate()
            assert child.process.wait(timeout=30) == (9 if asked else 0)


def test_a_program_that_ignores_sigterm_is_killed_with_its_guard(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("guard", python(GUARD, *python("-c", f"{TELL}{STUBBORN}{SLEEP}")))
        pid = pid_of(child)
        assert child.end(grace_s=0.05) == -signal.SIGKILL
        wait_until(lambda: not is_alive(pid), [], 10, "the program's end")


def test_the_program_ends_when_the_guards_parent_is_killed(tmp_path: Path) -> None:
    """A parent that is killed can't end its children: they must notice."""
    program = python(GUARD, *python("-c", f"{TELL}{SLEEP}"))
    parent = f"import subprocess; subprocess.run({program!r})"
    with Children(tmp_path) as children:
        child = children.start("parent", python("-c", parent))
        pid = pid_of(child)
        child.process.kill()
        wait_until(lambda: not is_alive(pid), [], 10, "the program's end")
