"""The greenlets at both ends of streaming: they carry pieces one way and receipts the other, and never hold the hub."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.queue import Full, Queue

from loadtests.coordination.messages import RECEIPT, Client, Line
from loadtests.coordination.streaming.pieces import Receipt, read_piece
from loadtests.coordination.streaming.receiver import Inbox
from loadtests.coordination.streaming.sender import Aside, Outbox, T
from loadtests.results.run_directory import RunDirectory

_LOOK_S = 0.05
_MOST_WAITING = 32  # pieces of one worker that the disk hasn't taken yet; what is more is sent again later


def in_a_thread(work: Callable[[], T], /) -> T:
    """Call `work` in a thread, so that the hub isn't held by the disk."""
    result: T = gevent.get_hub().threadpool.apply(work)
    return result


class Stream:
    """A worker's end: an outbox that is kept going until all of it has arrived."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._woken = Event()
        self._greenlet = gevent.spawn(self._run)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take a receipt of the master."""
        self._outbox.hear(told)
        self._woken.set()

    def drain(self, longest_s: float, silent_s: float) -> tuple[str, ...]:
        """Wait until the master has everything; return what it hasn't got.

        After `longest_s`, or `silent_s` without a word of the master, it isn't waited for.
        """
        with gevent.Timeout(longest_s, exception=False):
            silent, moved_at = 0.0, self._outbox.moved_at
            while self._outbox.left() and silent < silent_s:
                gevent.sleep(_LOOK_S)
                silent = silent + _LOOK_S if self._outbox.moved_at == moved_at else 0.0
                moved_at = self._outbox.moved_at
        return self._outbox.left()

    def close(self) -> None:
        """Stop sending."""
        self._greenlet.kill()

    def _run(self) -> None:
        while True:
            if self._outbox.step():
                gevent.sleep(0)
            else:
                self._woken.wait(timeout=_LOOK_S)
                self._woken.clear()


class Reception:
    """The master's end for one worker: pieces are written in the order in which they came, and each is answered."""

    def __init__(self, inbox: Inbox, answer: Callable[[Receipt], None], aside: Aside = in_a_thread) -> None:
        self._inbox, self._answer, self._aside = inbox, answer, aside
        self._waiting: Queue[object] = Queue(_MOST_WAITING)
        self._greenlet = gevent.spawn(self._run)

    def hear(self, told: object) -> None:
        """Take a message, which holds a piece if all is well."""
        try:
            self._waiting.put_nowait(told)
        except Full:
            return  # the worker hears no receipt, and sends it again

    def close(self) -> None:
        """Write what is waiting, and remove what never became whole."""
        while not self._waiting.empty() and not self._greenlet.dead:
            gevent.sleep(0)
        self._greenlet.kill()
        self._inbox.close()

    def _run(self) -> None:
        while True:
            told = self._waiting.peek()
            receipt = self._aside(lambda told=told: self._take(told))  # type: ignore[misc]
            self._waiting.get()
            if receipt is not None:
                self._answer(receipt)

    def _take(self, told: object) -> Receipt | None:
        piece = read_piece(told)
        try:
            return None if piece is None else self._inbox.take(piece)
        except OSError as error:
            print(f"a piece of {piece and piece.file} can't be written: {error}")  # noqa: T201 - this process's log
            return None


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
