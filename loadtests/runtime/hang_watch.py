"""Ends a process whose event loop hangs, and writes down where: Python's own watchdog, a thread that needs no turn.

Code that loops without ever yielding holds gevent's hub, and every timer and greenlet with it. faulthandler's thread
is written in C: it works even while a regular expression holds the interpreter.
"""

import faulthandler
import re
from pathlib import Path
from typing import NamedTuple

_FRAME = re.compile(r'  File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<function>\S+)')
_MOST_READ = 64 << 10


class Frame(NamedTuple):
    """One frame of a hang's traceback."""

    file: str
    line: int
    function: str


class HangWatch:
    """Ends the process when `alive` isn't called for `after_s`; `path` holds the traceback then, and nothing before."""

    def __init__(self, path: Path, after_s: float) -> None:
        self._path, self._after_s = path, after_s
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("w", encoding="utf-8")

    def alive(self) -> None:
        """Say that the event loop turns."""
        faulthandler.dump_traceback_later(self._after_s, exit=True, file=self._file)

    def close(self) -> None:
        """Watch no more, and remove the file: nothing hung."""
        faulthandler.cancel_dump_traceback_later()
        if not self._file.closed:
            self._file.close()
            self._path.unlink(missing_ok=True)


def read_hang(path: Path) -> tuple[Frame, ...]:
    """Return the frames of the code that hung, the innermost first; none when nothing hung."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_READ)
    except OSError:
        return ()
    # The threads follow each other, the one that held the hub last; what other threads did is of no use.
    *_, last = text.split("\n\n")
    return tuple(Frame(found["file"], int(found["line"]), found["function"]) for found in _FRAME.finditer(last))
