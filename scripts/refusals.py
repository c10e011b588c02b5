"""Why a command didn't do what it was asked, other than bad input: each has its exit code."""

from pathlib import Path

from loadtests.run_directory import write_bytes


class EnvironmentLacks(Exception):  # noqa: N818 - it is what the environment does
    """Something around us is missing (Prometheus, a port, the shop): exit 75, nothing is proven."""


def write_given(path: Path, data: bytes) -> None:
    """Write the file that a command line names, whole or not at all; raises EnvironmentLacks when it can't be."""
    try:
        write_bytes(path, data)
    except OSError as error:
        raise EnvironmentLacks(f"{path}: can't be written: {error.strerror}") from error
