"""Doing something again and again beside a run, in a thread that ends with it."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_JOIN_S = 3.0


class WatchThread:
    """Calls `do` at once and then every `every_s` seconds for as long as the block lasts.

    `failed` says why it doesn't any more when `do` raised: whoever rests on it must look.
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
        except Exception as error:  # noqa: BLE001 - a watch that broke must be told, not lost with its thread
            self.failed = f"the watch over the {self._name} broke: {error!r}"
