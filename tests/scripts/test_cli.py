"""The command line: an exit code for every ending, a message for a person, never a traceback."""

import argparse
import io
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace

import pytest

from scripts import cli
from scripts.cli import VERBS, build_parser
from scripts.context import Context
from scripts.output import Output
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode
from tests.scripts.world import Command


def raises(error: BaseException) -> Callable[..., ExitCode]:
    def run(*_: object) -> ExitCode:
        raise error

    return run


def with_verb(monkeypatch: pytest.MonkeyPatch, run: Callable[..., ExitCode]) -> None:
    """Leave `peakproof` one verb, `test`, that does `run`."""
    verb = SimpleNamespace(SUMMARY="a test", EXAMPLE="peakproof test", add=lambda _parser: None, run=run)
    monkeypatch.setattr(cli, "VERBS", ("test",))
    monkeypatch.setattr(cli, "import_module", lambda _name: verb)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BadInput("plan.yaml: seed: required"), 2, "plan.yaml: seed: required"),
        (EnvironmentLacks("port 18080 is taken"), 75, "port 18080 is taken"),
        (KeyboardInterrupt(), 75, "stopped by hand or signal"),
        (OSError(28, "No space left on device", "run.json"), 75, "run.json: No space left on device"),
    ],
)
def test_every_refusal_has_its_exit_code_and_one_line(
    error: BaseException, code: int, message: str, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_verb(monkeypatch, raises(error))
    ended = peakproof("test")
    assert (ended.code, ended.out, ended.err) == (code, "", f"peakproof: {message}\n")


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError("a defect without a file")])
def test_a_defect_of_ours_is_not_hidden(error: Exception, peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with_verb(monkeypatch, raises(error))
    with pytest.raises(type(error)):
        peakproof("test")


def test_a_reader_that_went_away_ends_the_command_quietly(monkeypatch: pytest.MonkeyPatch, peakproof: Command) -> None:
    with_verb(monkeypatch, raises(BrokenPipeError()))
    with open("/dev/null", "w") as nothing:  # noqa: PTH123 - a file with a descriptor that may be closed
        monkeypatch.setattr(sys, "stdout", nothing)
        ended = peakproof("test")
    assert (ended.code, ended.err) == (75, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_taken_like_ctrl_c(
    number: signal.Signals, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGHUP is what a terminal sends that is closed."""

    def run(*_: object) -> ExitCode:
        signal.raise_signal(number)
        return ExitCode.OK

    with_verb(monkeypatch, run)
    ended = peakproof("test")
    assert (ended.code, ended.err) == (75, "peakproof: stopped by hand or signal\n")


def test_the_verbs_code_is_the_commands(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with_verb(monkeypatch, lambda *_: ExitCode.FAIL)
    assert peakproof("test").code == 99


def test_the_context_holds_the_command_as_it_was_typed(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []

    def run(_options: argparse.Namespace, context: Context) -> ExitCode:
        commands.append(context.command)
        assert (context.folder, context.is_terminal) == (peakproof.folder, False)
        return ExitCode.OK

    with_verb(monkeypatch, run)
    assert peakproof("test").code == 0
    assert commands == ["peakproof test"]


WRONG = [
    ([], "peakproof: error: the following arguments are required: VERB"),
    (["run"], "peakproof run: error: the following arguments are required: PLAN, --on"),
    (["demo", "--workers", "0"], "argument --workers: expected a number from 1 to 1000, found 0"),
    (["demo", "--workers", "many"], "argument --workers: expected a number from 1 to 1000, found many"),
    (["demo", "--port-base", "80"], "argument --port-base: expected a port from 1024 to 65000, found 80"),
    (["demo", "--port-base", "1e4"], "argument --port-base: expected a port from 1024 to 65000, found 1e4"),
    (
        ["plan", "build", "--mix", "window-shop=x"],
        "argument --mix: the share of window-shop must be a number, found 'x'",
    ),
    (["judge", "a", "b"], "peakproof: error: unrecognized arguments: b"),
    (["exporter", "weather"], "argument SUBJECT: invalid choice: 'weather' (choose from "),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_wrong_usage_ends_with_2_and_says_what_is_allowed(
    arguments: list[str], message: str, peakproof: Command
) -> None:
    ended = peakproof(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err.splitlines()[-1]


@pytest.mark.parametrize("verb", VERBS)
def test_each_help_ends_with_an_example_of_the_verb_that_parses(verb: str, peakproof: Command) -> None:
    ended = peakproof(verb, "--help")
    assert (ended.code, ended.err) == (0, "")
    last = ended.out.rstrip("\n").splitlines()[-1]
    assert last.startswith(f"example:  peakproof {verb}")
    _, *arguments = shlex.split(last.removeprefix("example:  "))
    assert build_parser().parse_args(arguments).run


def test_help_lists_every_verb_and_the_exit_codes(peakproof: Command) -> None:
    ended = peakproof("--help")
    listed = [line.split()[0] for line in ended.out.splitlines() if line.startswith("    ") and line[4] != " "]
    assert listed == list(VERBS)
    told = (
        "exit codes: 0 PASS, or done; 99 FAIL; 75 INCONCLUSIVE, or something is missing; 2 wrong usage;"
        " 1 a bug in peakproof"
    )
    assert " ".join(ended.out.split()).endswith(told)


def test_a_command_loads_its_own_verb_alone(monkeypatch: pytest.MonkeyPatch, peakproof: Command) -> None:
    loaded: list[str] = []

    def load(name: str) -> ModuleType:
        loaded.append(name)
        return import_module(name)

    monkeypatch.setattr(cli, "import_module", load)
    assert peakproof("report", "--help").code == 0
    assert loaded == ["scripts.verbs.report"]
    ended = peakproof("reprot")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1].startswith(
        "peakproof: error: argument VERB: invalid choice: 'reprot' (choose from "
    )


def test_a_command_that_is_stopped_while_it_loads_its_verbs_says_so(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "import_module", raises(KeyboardInterrupt()))
    ended = peakproof("demo")
    assert (ended.code, ended.err) == (75, "peakproof: stopped by hand or signal\n")


def test_what_is_said_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Flushed(io.StringIO):
        flushes = 0

        def flush(self) -> None:
            self.flushes += 1

    out = Flushed()
    monkeypatch.setattr(sys, "stdout", out)
    Output().say("run runs/a")
    assert (out.getvalue(), out.flushes > 0) == ("run runs/a\n", True)


def test_the_process_ends_at_once_with_everything_said() -> None:
    """What was said without a line's end is out, and what would be taken apart is left as it is."""
    said = "cli.main = lambda: print('all of it', end='') or 75"
    late = "atexit.register(print, 'too late')"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", f"import atexit\nfrom scripts import cli\n{said}\n{late}\ncli.command()"],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (75, "all of it", "")
