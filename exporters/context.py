"""What a subject is made with beside its configuration: variables, folders and the time, handed down by the command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterContext:
    """The environment variables (for secrets), the folder of the configuration, runs, and the time in ns since 1970.

    A relative path in the configuration is looked for in `folder`. `kept` is what subjects keep, each under its name,
    while the configuration is read again.
    """

    variables: Mapping[str, str] = field(repr=False)
    folder: Path
    runs: Path
    now: Callable[[], int]
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def path(self, name: str) -> Path:
        """Return the path that a configuration names."""
        return self.folder / name
