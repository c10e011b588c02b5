"""The visit that a greenlet plays: the session, and what the stand-in for Locust needs to know of it."""

import math
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from loadtests.locustfiles.exceptions import VisitEndedError
from loadtests.shopper.session import Session

MOST_WAIT_S = 600.0
Task = TypeVar("Task")


class Turns:
    """Gives out the members of a list each as often as it stands there, evenly, in place of drawing them."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Sequence[Any], int]] = {}

    def next_of(self, tasks: Sequence[Task]) -> Task:
        """Return the next one of `tasks`."""
        _, place = self._places.get(id(tasks), (tasks, 0))
        self._places[id(tasks)] = tasks, place + 1
        golden = (math.sqrt(5) - 1) / 2
        order = sorted(range(len(tasks)), key=lambda index: (index + 1) * golden % 1)
        return tasks[order[place % len(tasks)]]


class Visit:
    """One session as a locustfile's code sees it.

    `bases` are the addresses of the hosts by label, `host` the label that paths are below. With `turns` tasks come in
    turn and nothing is waited for: a try counts what a session does.
    """

    __slots__ = (
        "bases",
        "host",
        "last_error",
        "last_reply",
        "last_step",
        "pending",
        "session",
        "tasks",
        "turns",
        "unreadable",
    )

    def __init__(
        self, session: Session, bases: Mapping[str | None, str], host: str | None, tasks: float, turns: Turns | None
    ) -> None:
        self.session, self.bases, self.host = session, bases, host
        self.tasks, self.turns = tasks, turns
        self.last_reply: Any = None
        self.last_error: str | None = None
        self.last_step, self.unreadable = "", False
        self.pending: dict[int, Any] = {}

    def choose(self, tasks: Sequence[Task]) -> Task:
        """Return one of the tasks: by chance, or in turn."""
        if self.turns is not None:
            return self.turns.next_of(tasks)
        return tasks[int(self.session.random.random() * len(tasks))]

    def length(self) -> int:
        """Return how many tasks a session plays: one at least, `tasks` in the mean, each as likely to be the last."""
        if self.turns is not None or self.tasks <= 1:
            return max(1, round(self.tasks))
        draw = self.session.random.random()
        return 1 + int(math.log(1 - draw) / math.log(1 - 1 / self.tasks))

    def now_s(self) -> float:
        """Return the session's own time in seconds: what goes before was over then."""
        return self.session.due_at / 1e9

    def pause(self, seconds: float) -> None:
        """Wait: think time, no latency. Ends the visit for what no shopper waits."""
        if not 0 <= seconds <= MOST_WAIT_S:
            why = f"the locustfile waits for {seconds:g} s: from 0 to {MOST_WAIT_S:g} s can be waited in a session"
            raise VisitEndedError(ValueError(why))
        if self.turns is None:
            self.session.pause(seconds)


CURRENT: ContextVar[Visit | None] = ContextVar("visit", default=None)
