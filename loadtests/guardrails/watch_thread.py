"""A thread that repeats an action beside a run, and ends with it."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_JOIN_S = 3.0


class WatchThread:
    """Calls `do` at once and then every `every_s` seconds for as long as the block lasts.

    `failed` is why it stopped when `do` raised, None while it goes on: the run must look at it.
    """

    def __init__(self, name: str, every_s: float, do: Callable[[], None]) -> None:
        self._every_s, self._do, self._name = every_s, do, name
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)
        self.failed: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(_JOIN_S)

    def _repeat(self) -> None:
        try:
            self._do()
            while not self._end.wait(self._every_s):
                self._do()
        except Exception as error:  # noqa: BLE001 - a watch that broke must end the run, not be lost with its thread
            self.failed = f"the watch over the {self._name} broke: {error!r}"
