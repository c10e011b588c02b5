"""The command that puts a release up."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.comparing import switch_command
from scripts.comparing.switch_command import SwitchCommand, SwitchFailed, parse_words
from slo.documents import BadInput
from tests.scripts.world import script
from tests.waiting import wait_for

PATH = os.environ["PATH"]


def command(folder: Path, *words: str, timeout_s: float = 20.0) -> SwitchCommand:
    """Return a command that runs in `folder`."""
    return SwitchCommand(
        words=words, folder=folder, logs=folder / "switches", timeout_s=timeout_s, environment={"PATH": PATH, "X": "y"}
    )


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_the_command_is_told_which_release_by_a_word_and_by_a_variable(tmp_path: Path) -> None:
    script(tmp_path / "up", 'echo "$1 $PEAKPROOF_VARIANT $X $PWD"')
    assert command(tmp_path, "./up", "--slot={variant}").run("b") < 20
    assert (tmp_path / "switches" / "01-b.log").read_text() == f"--slot=b b y {tmp_path}\n"


def test_a_is_put_up_as_the_release_that_a_baseline_names_and_b_is_not(tmp_path: Path) -> None:
    script(tmp_path / "up", 'echo "$PEAKPROOF_VARIANT ${PEAKPROOF_RELEASE-none}"')
    one = replace(command(tmp_path, "./up"), release_a="shop@sha256:1 2")
    for variant in ("a", "b"):
        one.run(variant)
    logs = sorted((tmp_path / "switches").iterdir())
    assert [log.read_text() for log in logs] == ["a shop@sha256:1 2\n", "b none\n"]
    assert one.by_hand("a") == f"cd {tmp_path} && PEAKPROOF_VARIANT=a PEAKPROOF_RELEASE='shop@sha256:1 2' ./up"


def test_each_call_keeps_its_own_output(tmp_path: Path) -> None:
    one = command(tmp_path, "echo", "{variant}")
    for variant in ("b", "a", "b"):
        one.run(variant)
    assert [path.name for path in sorted((tmp_path / "switches").iterdir())] == ["01-b.log", "02-a.log", "03-b.log"]


def test_a_command_is_no_shell_line() -> None:
    assert parse_words("echo 'two words' $HOME && x", {"PATH": PATH}, Path()) == (
        *("echo", "two words", "$HOME", "&&", "x"),
    )


def test_a_command_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    script(tmp_path / "up", "seq 1 9; echo 'no such \033[31mtag'; exit 3")
    with pytest.raises(SwitchFailed) as failed:
        command(tmp_path, "./up").run("b")
    log = tmp_path / "switches" / "01-b.log"
    assert str(failed.value) == (
        f"the switch command ended with 3 on putting B up; its output, {log}, ends with:\n"
        "  6\n  7\n  8\n  9\n  no such [31mtag"
    )


def test_a_command_that_a_signal_ended_has_failed(tmp_path: Path) -> None:
    script(tmp_path / "up", "kill -9 $$")
    with pytest.raises(SwitchFailed, match=r"was ended by signal 9 on putting A up; it wrote nothing"):
        command(tmp_path, "./up").run("a")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_command, "_GRACE_S", 0.1)
    script(tmp_path / "up", f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; echo begun; wait")
    with pytest.raises(SwitchFailed, match=r"wasn't done after 0\.3 s \(--switch-timeout\) and was ended(.|\n)*begun"):
        command(tmp_path, "./up", timeout_s=0.3).run("b")
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not _runs(pid), "the end of what the command started")


def test_a_command_that_does_not_stop_writing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch_command, "MAX_OUTPUT_BYTES", 1 << 20)
    script(tmp_path / "up", "head -c 1200000 /dev/zero; sleep 60")
    with pytest.raises(SwitchFailed, match="wrote more than 1 MB and was ended"):
        command(tmp_path, "./up").run("b")


def test_what_a_command_leaves_running_on_purpose_is_left(tmp_path: Path) -> None:
    script(tmp_path / "up", f"sleep 2 & echo $! > {tmp_path}/pid")
    command(tmp_path, "./up").run("b")
    pid = int((tmp_path / "pid").read_text())
    assert Path(f"/proc/{pid}").exists()
    os.kill(pid, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--switch: expected a command that puts a release up, found none"),
        ("up 'b", '--switch "up \'b": no closing quotation; quote it as for a shell'),
        ("up\tb\n", "--switch 'up\\tb\\n': holds a control character"),
        ("up-it {variant}", "--switch: up-it isn't a program that can be run, neither in PATH nor as a path from here"),
        ("./nowhere", "--switch: ./nowhere isn't a program that can be run, neither in PATH nor as a path from here"),
    ],
)
def test_a_command_that_can_never_run_is_refused_before_anything_is_switched(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BadInput) as refused:
        parse_words(text, {"PATH": PATH}, tmp_path)
    assert str(refused.value) == message


def test_a_command_that_is_gone_by_now_is_a_failed_switch(tmp_path: Path) -> None:
    with pytest.raises(SwitchFailed, match=r"ended with 127 on putting A up; its output, (.|\n)*\./up: not found"):
        command(tmp_path, "./up").run("a")
    gone = replace(command(tmp_path, "./up"), folder=tmp_path / "nowhere")
    with pytest.raises(SwitchFailed, match=r"the switch command ./up can't be run: No such file or directory"):
        gone.run("a")


def test_whoever_is_told_of_the_process_is_told_before_the_command_does_anything(tmp_path: Path) -> None:
    script(tmp_path / "up", 'touch begun; read -r line; echo "read: $line"')
    before: list[bool] = []
    command(tmp_path, "./up").run("b", lambda _process: before.append((tmp_path / "begun").exists()))
    assert before == [False]
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "switches" / "01-b.log").read_text() == "read: \n"


def test_the_line_to_type_by_hand_is_one_that_a_shell_runs(tmp_path: Path) -> None:
    folder = tmp_path / "a shop"
    folder.mkdir()
    line = command(folder, "sh", "-c", "echo $PEAKPROOF_VARIANT > {variant}").by_hand("a")
    assert os.system(line) == 0  # noqa: S605 - that is what it is for
    assert (folder / "a").read_text() == "a\n"
