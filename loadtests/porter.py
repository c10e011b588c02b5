"""The porter of a run's master: answers who hasn't joined yet, and lets in who may."""

from collections.abc import Callable, Iterator
from typing import Any

from loadtests.joining import ADMITTED, ASK, JOIN, PAPERS, REFUSED, STRANGER, Door
from loadtests.line import Client
from loadtests.run_directory import RunDirectory
from loadtests.streaming import sight
from loadtests.streaming.papers import Desk

Answer = tuple[str, dict[str, Any]]


class Porter:
    """Stands at `door`; `streams` is told of each worker that was let in and can't see the run directory."""

    def __init__(self, door: Door, desk: Desk, directory: RunDirectory, streams: Callable[[Client], None]) -> None:
        self._door, self._desk, self._directory, self._streams = door, desk, directory, streams
        self._word = sight.show(directory)

    def answers(self, client: Client, kind: str, told: object) -> Iterator[Answer]:
        """Return what is to be told to a client that isn't in, and let it in if it shows that it may join."""
        if kind == ASK:
            yield self._papers(client, told)
        elif kind == JOIN:
            yield self._joining(client, told)

    def _papers(self, client: Client, told: object) -> Answer:
        papers = self._desk.answer(client, told)
        if papers is None:
            return REFUSED, {"because": STRANGER}
        self._door.has_asked(client)
        return (PAPERS, papers) if self._door.is_full is None else (REFUSED, {"because": self._door.is_full})

    def _joining(self, client: Client, told: object) -> Answer:
        why = self._door.refusal(client, told)
        if why is not None:
            return REFUSED, {"because": why}
        sees = told.get("sees") if isinstance(told, dict) else None
        is_here = sight.is_shared(self._directory, client, self._word, sees)
        if not is_here:
            self._streams(client)
        return ADMITTED, {"streams": not is_here}
