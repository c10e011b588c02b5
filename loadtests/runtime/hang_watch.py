"""Ends a process whose event loop hangs, and writes down where.

Code that loops without ever yielding holds gevent's hub, and every timer and greenlet with it. A real thread looks
whether the hub still turns. It counts its own turns, so that a process that was paused isn't taken for one that hangs;
while something holds the interpreter itself, as a regular expression may, faulthandler's thread, written in C, does
the same by the clock.
"""

import faulthandler
import os
import re
from pathlib import Path
from typing import NamedTuple

from gevent.monkey import get_original

from slo.outcomes import ExitCode

_LOOK_S = 0.25
_HELD = 4  # how many times longer the interpreter itself may be held: a pause of the process looks the same
_FRAME = re.compile(r'  File "(?P<file>[^"]*)", line (?P<line>[0-9]{1,9}) in (?P<function>\S+)')
_MOST_READ = 64 << 10


class Frame(NamedTuple):
    """One frame of a hang's traceback."""

    file: str
    line: int
    function: str


class HangWatch:
    """Ends the process when `alive` isn't called for `after_s`; `path` holds the traceback then, and isn't there else.

    It begins with the first `alive`.
    """

    def __init__(self, path: Path, after_s: float) -> None:
        self._path, self._after_s = path, after_s
        self._is_alive, self._is_over, self._begun = True, False, False

    def alive(self) -> None:
        """Say that the event loop turns."""
        self._is_alive = True
        if not self._begun:
            self._begun = True
            self._path.parent.mkdir(exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            self._end_unless_looked_at()  # here, too: what holds the interpreter at once lets no thread begin
            get_original("_thread", "start_new_thread")(self._watch, ())

    def close(self) -> None:
        """Watch no more: nothing hung."""
        if self._begun and not self._is_over:
            self._is_over = True  # its thread sees that at its next look, and closes the file
            self._path.unlink(missing_ok=True)

    def _end_unless_looked_at(self) -> None:
        faulthandler.dump_traceback_later(self._after_s * _HELD, exit=True, file=self._file)

    def _watch(self) -> None:
        sleep, turns, most = get_original("time", "sleep"), 0, self._after_s / _LOOK_S
        while not self._is_over:
            self._end_unless_looked_at()
            sleep(_LOOK_S)
            turns = 0 if self._is_alive else turns + 1
            self._is_alive = False
            if turns > most and not self._is_over:
                faulthandler.dump_traceback(self._file)
                os._exit(ExitCode.INCONCLUSIVE)
        faulthandler.cancel_dump_traceback_later()
        os.close(self._file)


def read_hang(path: Path) -> tuple[Frame, ...]:
    """Return the frames of the code that hung, the innermost first; none when nothing hung."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_READ)
    except OSError:
        return ()
    # The threads follow each other, the first one last: it holds the hub. What other threads did is of no use.
    *_, last = text.split("\n\n")
    return tuple(Frame(found["file"], int(found["line"]), found["function"]) for found in _FRAME.finditer(last))
