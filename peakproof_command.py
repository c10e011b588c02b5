"""The installed command `peakproof`: it runs our packages, whatever the current folder and PYTHONPATH hold.

A module of its own and not one of our packages: by the time that one of those is found, PYTHONPATH has decided which.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

_HOME = Path(__file__).resolve().parent


def command() -> NoReturn:
    """Run one command and end the process with its code."""
    variable = os.environ.pop("PYTHONPATH", "")  # the processes that it starts would find others' packages by it, too
    sys.path[:] = without_others(sys.path, variable, None if sys.flags.safe_path else sys.path[0])
    from scripts.cli import command as run  # noqa: PLC0415 - found by the path as it is now

    run()


def without_others(path: list[str], variable: str, script: str | None) -> list[str]:
    """Return the import path without the folders of PYTHONPATH and of the script, unless ours is one of them."""
    others = {_real(entry) for entry in variable.split(os.pathsep)} if variable else set()
    if script is not None:
        others.add(_real(script))
    return [entry for entry in path if _real(entry) == _HOME or _real(entry) not in others]


def _real(entry: str) -> Path:
    return Path(entry).resolve()
