"""What every measurement of the exporters is handed."""

from dataclasses import dataclass
from pathlib import Path

import requests

from scripts.local_stack.processes import Children


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How often each side is run, a folder for what is written, and whoever ends the processes that are started."""

    repeat: int
    folder: Path
    children: Children


def session() -> requests.Session:
    """Return a session that no variable of this process leads elsewhere."""
    made = requests.Session()
    made.trust_env = False
    return made
