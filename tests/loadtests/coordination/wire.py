"""One end of a transport of a test's own, and how a test waits for what is sent over it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import gevent

from loadtests.coordination.messages import ClientId, Role
from slo.outcomes import ExitCode


class Wire:
    """One end of a transport: it keeps what is sent, and lets it be answered."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self.sent: list[tuple[str, Mapping[str, Any], ClientId | None]] = []
        self.there: set[ClientId] = set()
        self.answer: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _value: None
        self.ended: list[ExitCode | None] = []
        self.sent_when_left: list[str] = []

    @property
    def role(self) -> Role:
        return self._role

    def send(self, kind: str, value: Mapping[str, Any], client: ClientId | None = None) -> None:
        self.sent.append((kind, dict(value), client))
        self.answer(kind, dict(value))

    def responsive(self) -> Collection[ClientId]:
        return self.there

    def unresponsive(self) -> Collection[ClientId]:
        return ()

    def leave(self) -> None:
        self.sent_when_left = self.kinds()
        self.ended.append(None)

    def end(self, code: ExitCode) -> None:
        self.ended.append(code)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]


def until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.01)
