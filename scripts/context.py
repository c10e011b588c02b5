"""The surroundings of a command (variables, folder, terminal), read once in `scripts/cli.py` and handed down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The environment variables, the current folder, and how to print a line for a person.

    `keyboard` is the file descriptor of the terminal that a person types at, None without one.
    """

    environment: Mapping[str, str]
    folder: Path
    say: Callable[[str], None]
    is_terminal: bool
    command: str
    keyboard: int | None = None

    @property
    def runs(self) -> Path:
        """Where runs are kept."""
        return self.folder / RUNS
