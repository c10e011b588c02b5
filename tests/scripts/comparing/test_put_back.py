"""Putting A back."""

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.comparison.job import FILE, ComparisonJob, DesignEntry, VariantEntry, read_job
from loadtests.runtime.guarded_child import python
from scripts.comparing.put_back import UP_OTHER, Guard, PutBack, put_back, told, undisturbed
from scripts.comparing.switch_command import SwitchCommand, SwitchFailed
from tests.scripts.world import script
from tests.waiting import wait_for

CHILD = Path("tests/children/switches_and_waits.py").absolute()


def command(folder: Path, text: str = 'echo "$PEAKPROOF_VARIANT" > up') -> SwitchCommand:
    """Return a command that notes which release is up."""
    script(folder / "switch", text)
    return SwitchCommand(
        words=("./switch",),
        folder=folder,
        logs=folder / "switches",
        timeout_s=20,
        environment={"PATH": os.environ["PATH"]},
    )


def job(folder: Path) -> None:
    """Write a comparison's document."""
    one, other = VariantEntry(variant="a", label="a"), VariantEntry(variant="b", label="b")
    design = DesignEntry(looks=(4,), block_s=30, skip_s=5)
    document = ComparisonJob(name="one", how="switch", a=one, b=other, design=design, notes=("a note",))
    (folder / FILE).write_text(document.model_dump_json())


def test_putting_a_back_runs_the_command_and_asks_whether_a_answers(tmp_path: Path) -> None:
    asked: list[str] = []
    done = put_back(command(tmp_path), lambda: asked.append("asked"))
    assert (tmp_path / "up").read_text() == "a\n"
    assert (done.failed, asked) == (None, ["asked"])
    assert told(PutBack(took_s=12.3), "by hand") == "A was put back in 12 s"


def test_when_it_fails_the_command_to_type_is_said(tmp_path: Path) -> None:
    def confirm() -> None:
        raise SwitchFailed("A, release 1, didn't answer within 10 s: it names 2")

    done = put_back(command(tmp_path), confirm)
    assert told(done, "cd / && up a") == (
        "A IS NOT BACK: A, release 1, didn't answer within 10 s: it names 2\n  put it up by hand: cd / && up a"
    )


def test_a_signal_meanwhile_is_answered_and_changes_nothing() -> None:
    said: list[str] = []
    with undisturbed(said.append, "up a"):
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(one)
    assert said == ["A is being put back, please wait; by hand it is: up a"] * 3
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_command_that_ended_with_a_up_leaves_nothing_to_the_guard(tmp_path: Path) -> None:
    with Guard(command(tmp_path), tmp_path) as guard:
        guard.tell("b")
        guard.tell("a")
    assert not (tmp_path / "up").exists()


def test_the_guard_puts_a_back_as_the_release_that_a_baseline_names(tmp_path: Path) -> None:
    job(tmp_path)
    switch = replace(command(tmp_path, 'echo "$PEAKPROOF_RELEASE" > up'), release_a="1.0")
    with Guard(switch, tmp_path) as guard:
        guard.tell(UP_OTHER)
    wait_for((tmp_path / "up").exists, "the guard")
    wait_for(lambda: read_job(tmp_path).ended, "the guard")
    assert (tmp_path / "up").read_text() == "1.0\n"


def test_when_we_are_killed_half_way_the_guard_ends_the_switch_and_puts_a_back(tmp_path: Path) -> None:
    job(tmp_path)
    text = '[ "$PEAKPROOF_VARIANT" = b ] && { touch begun; sleep 60; }; echo "$PEAKPROOF_VARIANT" >> up'
    switch = command(tmp_path, text)
    ours = subprocess.Popen([*python(str(CHILD)), str(tmp_path)], env={**os.environ, **switch.environment})
    for one in ("begun", "told"):
        wait_for((tmp_path / one).exists, one)
    ours.kill()
    assert ours.wait() == -signal.SIGKILL
    wait_for(lambda: read_job(tmp_path).ended, "the guard")
    assert (tmp_path / "up").read_text() == "a\n"
    done = read_job(tmp_path)
    assert (done.ended, done.because) == ("failed", "the command that played it was killed")
    assert done.notes == ("a note", "A was put back in 0 s")


def test_a_switch_that_the_guard_does_not_know_of_yet_never_begins(tmp_path: Path) -> None:
    job(tmp_path)
    switch = command(tmp_path, 'echo "$PEAKPROOF_VARIANT" >> up')
    ours = subprocess.run(
        [*python(str(CHILD)), str(tmp_path), "early"], env={**os.environ, **switch.environment}, check=False
    )
    assert ours.returncode == -signal.SIGKILL
    wait_for(lambda: read_job(tmp_path).ended, "the guard")
    assert (tmp_path / "up").read_text() == "a\n"
