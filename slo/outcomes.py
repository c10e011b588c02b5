"""The three outcomes of a judgement and the exit codes of every command."""

from enum import Enum, IntEnum

from slo.formatting import printable


class EnvironmentLacks(Exception):  # noqa: N818 - it is what the environment does
    """Something that the command needs is missing (Prometheus, a port, the shop): exit 75, nothing is shown.

    What it repeats of an answer is written as a terminal can take it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ExitCode(IntEnum):
    """The exit codes of every process: k6's 99 for a missed threshold, sysexits' 75 for "try again"."""

    OK = 0
    CRASH = 1
    USAGE = 2
    INCONCLUSIVE = 75
    FAIL = 99


class Outcome(Enum):
    """Whether a release was shown to be good, shown to be bad, or neither."""

    PASS = "PASS"  # noqa: S105 - an outcome, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that stands for this outcome."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.PASS: ExitCode.OK,
    Outcome.FAIL: ExitCode.FAIL,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}
