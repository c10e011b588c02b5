"""What a command prints for a person, and what it does when its terminal or its pipe is closed while it works."""

import errno
import os
import sys
from contextlib import suppress
from types import FrameType

_CLOSED = frozenset({errno.EPIPE, errno.EIO})  # of a pipe, of a terminal


class Output:
    """Prints lines to standard output.

    Once that is closed, BrokenPipeError ends the command, and what it still prints on its way out is dropped.
    """

    def __init__(self) -> None:
        self._is_ending = False

    def say(self, line: str) -> None:
        """Print one line at once; raises BrokenPipeError, once, when there is nothing that takes it any more."""
        try:
            print(line, flush=True)
        except OSError as error:
            if error.errno not in _CLOSED:
                raise
            drop_output()
            if not self._is_ending:
                self._is_ending = True
                raise BrokenPipeError(*error.args) from error

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """End the command as Ctrl-C does: a handler of signals. A terminal that is closed sends one."""
        self._is_ending = True
        raise KeyboardInterrupt


def drop_output() -> None:
    """Let standard output take everything, and keep nothing of it."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
