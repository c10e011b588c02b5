"""The keys that a person presses while a run plays, read one by one; the terminal is restored however it ends.

Only what has the terminal reads from it: a run in the background leaves it alone. Ctrl-C and Ctrl-Z stay signals;
`Unsuspended` refuses the latter while a load plays: a suspended command reads no kill URL and no key, and loses its
lease.
"""

import os
import select
import signal
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

REFUSED = "not suspended: a suspended command can't stop its load; press p to pause the run, q to stop it"
_TOUCHES = (signal.SIGTTIN, signal.SIGTTOU)  # that suspend a background process which touches the terminal
HINT = "keys: q stop · p pause, resume · + - a tenth of the plan more, less"
_STOP = "q"
_CHANGES = {"p": "pause or resume", "+": "more", "-": "less"}
_LONGEST = 64
_ENDS = (
    signal.SIGHUP,
    signal.SIGQUIT,
)  # that would end this process with the terminal changed; SIGTERM and SIGINT raise


class Keyboard:
    """Reads keys from the terminal `descriptor` for as long as the block lasts; from none when that is None."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            ends = [name for name in _ENDS if signal.getsignal(name) is not signal.SIG_IGN]  # nohup has it ignored
            handled = {signal.SIGCONT: self._continue, **dict.fromkeys(ends, self._end)}
            self._handlers = {name: signal.signal(name, handler) for name, handler in handled.items()}
            self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
        for name, handler in self._handlers.items():
            signal.signal(name, handler)

    def pressed(self, wait_s: float) -> str:
        """Return what was pressed, waiting for it at most `wait_s`; the empty string for nothing."""
        if self._descriptor is None or not self._is_ours():
            time.sleep(wait_s)
            return ""
        if not select.select([self._descriptor], [], [], wait_s)[0] or not self._is_ours():
            return ""
        try:
            data = os.read(self._descriptor, _LONGEST)
        except OSError:  # somebody else has got the terminal since
            return ""
        if not data:
            self._descriptor = None  # the terminal is gone
        return data.decode(errors="replace")

    def _is_ours(self) -> bool:
        """Whether we are what the terminal listens to; from the background a touch of it would suspend us."""
        try:
            return self._descriptor is not None and os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False

    def _listen(self) -> None:
        """Have each key at once and unseen."""
        if self._descriptor is None or self._before is None or not self._is_ours():
            return
        mode = [*self._before]
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6] = [*mode[6]]
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)

    def _restore(self) -> None:
        if self._descriptor is not None and self._before is not None and self._is_ours():
            with suppress(termios.error):  # a terminal that is gone has no mode
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)

    def _continue(self, _number: int, _frame: FrameType | None) -> None:
        self._listen()

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Give the terminal back, and end as the signal does: as Ctrl-C where the terminal was closed."""
        self._restore()
        before = self._handlers.get(signal.Signals(number))
        if callable(before):
            before(number, frame)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def apply_keys(pressed: str, change_rate: Callable[[str, str], object]) -> None:
    """Act on the pressed keys: one stops the run as Ctrl-C does, the others change the rate, each told why."""
    for key in pressed:
        if key == _STOP:
            raise KeyboardInterrupt
        if key in _CHANGES:
            change_rate(_CHANGES[key], f"the key {key}")


class Unsuspended:
    """For as long as the block lasts neither Ctrl-Z nor a touch of the terminal suspends this process."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._is_refused = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        handled: dict[signal.Signals, Any] = {signal.SIGTSTP: self._refuse, **dict.fromkeys(_TOUCHES, signal.SIG_IGN)}
        self._before = {name: signal.signal(name, handler) for name, handler in handled.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def explain(self) -> None:
        """Say why nothing happened, if Ctrl-Z was pressed since the last call."""
        if self._is_refused:
            self._is_refused = False
            self._say(REFUSED)

    def _refuse(self, _number: int, _frame: FrameType | None) -> None:
        self._is_refused = True
