"""What would suspend the command while a load plays is refused: nobody would hear the kill URL, a key or the lease."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

REFUSED = "not suspended: a load that nobody watches can't be stopped; p pauses the run, q stops it"
_TOUCHES = (signal.SIGTTIN, signal.SIGTTOU)  # that suspend who touches the terminal from the background


class Unsuspended:
    """For as long as the block lasts neither Ctrl-Z nor a touch of the terminal suspends us."""

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

    def tell(self) -> None:
        """Tell whoever pressed Ctrl-Z since the last call why nothing happened."""
        if self._is_refused:
            self._is_refused = False
            self._say(REFUSED)

    def _refuse(self, _number: int, _frame: FrameType | None) -> None:
        self._is_refused = True
