"""What every measurement of the exporters is handed."""

from dataclasses import dataclass
from pathlib import Path

from scripts.local_stack.processes import Children


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How often each side is run, a folder for what is written, and whoever ends the processes that are started."""

    repeat: int
    folder: Path
    children: Children
