"""The command's ending says what was missed and what couldn't be measured, in its exit code too."""

from pathlib import Path

import pytest

from scripts.benches.engine import __main__ as command
from slo.outcomes import EnvironmentLacks, ExitCode


@pytest.mark.parametrize(
    ("missed", "refused", "code", "said"),
    [
        ([], [], 0, "every bound holds\n"),
        (["x: 1, must be >= 2"], [], 1, "missed: x: 1, must be >= 2\n"),
        ([], ["tls: why"], 75, "not measured: tls: why\n"),
        (["x: 1, must be >= 2"], ["tls: why"], 1, "missed: x: 1, must be >= 2\nnot measured: tls: why\n"),
    ],
)
def test_missed_bounds_are_1_and_what_was_not_measured_is_75(
    missed: list[str], refused: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (command._ending(missed, refused), capsys.readouterr().out) == (code, said)


def test_without_a_program_the_command_says_which_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(name: str, package: str) -> str:
        raise EnvironmentLacks(f"{name} is missing: on Debian, apt-get install {package}")

    monkeypatch.setattr(command, "program", lacks)
    assert command.main(["--folder", str(tmp_path)]) == ExitCode.INCONCLUSIVE
    assert capsys.readouterr().err == "make bench-engine: wrk is missing: on Debian, apt-get install wrk\n"
