"""A master's receptions: one for each worker that streams."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from loadtests.line import RECEIPT, Client, Line
from loadtests.run_directory import RunDirectory
from loadtests.streaming.inbox import Inbox
from loadtests.streaming.pieces import Receipt
from loadtests.streaming.stream import Reception


class Receptions:
    """Take what clients write over `line` into the run directory, each its own files."""

    def __init__(self, directory: RunDirectory, line: Line) -> None:
        self._directory, self._line = directory, line
        self._expected: set[Client] = set()
        self._open: dict[Client, Reception] = {}

    def expect(self, client: Client) -> None:
        """Take note that a client can't see the run directory."""
        self._expected.add(client)

    def open(self, names: Mapping[Client, str]) -> None:
        """Begin, now that each worker has a name in the run."""
        for client in self._expected & names.keys():
            self._open[client] = Reception(Inbox(self._directory, names[client]), self._answer(client))

    def hear(self, client: Client, told: Any) -> None:  # noqa: ANN401 - it came over the line
        """Take a message that should hold a piece; whoever isn't expected to send any is not heard."""
        if client in self._open:
            self._open[client].hear(told)

    def close(self) -> None:
        """Write what came and remove what never became whole."""
        for reception in self._open.values():
            reception.close()

    def __bool__(self) -> bool:
        return bool(self._open)

    def _answer(self, client: Client) -> Callable[[Receipt], None]:
        return partial(_tell, self._line, client)


def _tell(line: Line, client: Client, receipt: Receipt) -> None:
    line.tell(RECEIPT, receipt.to_message(), client)
