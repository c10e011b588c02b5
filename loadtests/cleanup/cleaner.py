"""Removes what a run created, one kind after the other, few things at a time, by the methods marked `@cleanup`."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import NamedTuple

import gevent
from pydantic import BaseModel

from loadtests.cleanup.journal import Outcome
from loadtests.cleanup.messages import ITEMS, CleanupJob, GaveUp, Removed, Removing
from loadtests.cleanup.visitors import Visitor, Visitors
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.results.created import ACCOUNT, ORDER, Created
from loadtests.runtime.hang_watch import HangWatch
from loadtests.shopper.session_errors import UNREADABLE, SessionFailedError
from loadtests.storefronts.cleaning import GONE
from loadtests.storefronts.failures import file_of, message_of, places_of
from loadtests.storefronts.order import RefusedError

_TRIES, _PAUSE_S = 3, 1.0
_FAILURES_IN_A_ROW = 10
_LOOK_S = 0.2
# What another try may mend: the shop didn't answer, or not now.
_PASSING = ("timeout", "connection", "protocol", "http_5xx", "blocked", "proxy")
Tell = Callable[[BaseModel], None]


class _TooLongError(BaseException):
    """Removing one thing doesn't end; no `except Exception` of a storefront's keeps it."""


class _Answer(NamedTuple):
    """What became of one thing; `passes` is whether another try may help."""

    outcome: Outcome
    why: str = ""
    passes: bool = False


class Cleaner:
    """Plays a `CleanupJob`. Where ten things in a row can't be removed it gives up: the shop isn't to be pressed."""

    def __init__(self, asked: CleanupJob, variables: Mapping[str, str], tell: Tell) -> None:
        self._asked, self._tell = asked, tell
        self._visitors = Visitors(asked, variables)
        self._file = file_of(self._visitors.storefront.shop)
        self._failed_sessions: set[int] = set()
        self._in_a_row, self._gave_up = 0, False
        self._hang = HangWatch(asked.hang, asked.code_s)

    def play(self) -> None:
        """Remove everything, a kind at a time."""
        items = ITEMS.validate_json(self._asked.items.read_bytes())
        watching = gevent.spawn(self._look)
        try:
            for _, group in groupby(enumerate(items), key=lambda one: one[1].kind):
                left = deque(group)
                gevent.joinall([gevent.spawn(self._work, left) for _ in range(self._asked.at_once)], raise_error=True)
        finally:
            watching.kill()
            self._hang.close()

    def _look(self) -> None:
        while True:
            self._hang.alive()
            self._visitors.forget_records()
            gevent.sleep(_LOOK_S)

    def _work(self, left: deque[tuple[int, Created]]) -> None:
        """Remove one thing after the other; after whatever went wrong the next has a visitor of its own."""
        visitor: Visitor | None = None
        while left and not self._gave_up:
            number, item = left.popleft()
            if item.kind != ORDER and item.session in self._failed_sessions:
                self._tell(Removed(number=number, outcome="failed", why="an order of its session is left"))
                continue
            self._tell(Removing(number=number))
            for tried in range(1, _TRIES + 1):
                visitor = visitor or self._visitors.visitor_for(item)
                answer = self._remove(visitor, item)
                if answer.outcome == "failed" or item.kind == ACCOUNT:
                    self._visitors.end(visitor)
                    visitor = None
                if not answer.passes or tried == _TRIES:
                    break
                gevent.sleep(_PAUSE_S * tried)
            self._ended(number, item, answer)
        if visitor is not None:
            self._visitors.end(visitor)

    def _ended(self, number: int, item: Created, answer: _Answer) -> None:
        self._tell(Removed(number=number, outcome=answer.outcome, why=answer.why))
        failed = answer.outcome == "failed"
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if failed and item.kind == ORDER and item.session is not None:
            self._failed_sessions.add(item.session)
        if self._in_a_row >= _FAILURES_IN_A_ROW and not self._gave_up:
            self._gave_up = True
            self._tell(GaveUp(why=f"{self._in_a_row} things in a row couldn't be removed"))

    def _remove(self, visitor: Visitor, item: Created) -> _Answer:  # noqa: PLR0911 - a way each in which it may end
        """Remove one thing, and return what became of it."""
        asked_s = self._asked.item_s
        try:
            with gevent.Timeout(asked_s, _TooLongError):
                self._call(visitor, item)
        except RefusedError as refused:
            if refused.reason == GONE and visitor.begun:  # that `begin` is refused says nothing of the thing
                return _Answer("gone")
            return _Answer("failed", f"the shop refused: {refused.reason}")
        except SessionFailedError as error:
            said = ": ".join(filter(None, (str(error), self._visitors.answer_to(visitor))))
            return _Answer("failed", said, passes=str(error).endswith(_PASSING))
        except CeilingReachedError as error:
            return _Answer("failed", f"{error}: the environment's ceiling allows no more", passes=True)
        except _TooLongError:
            return _Answer("failed", f"it took longer than {asked_s:g} s")
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is shown
            places = places_of(error, self._file)
            place = f"{places[-1].file.rpartition('/')[2]}:{places[-1].line}: " if places else ""
            return _Answer("failed", self._visitors.without_secrets(f"{place}{message_of(error)}", visitor))
        return _Answer("removed")

    def _call(self, visitor: Visitor, item: Created) -> None:
        try:
            if not visitor.begun:
                visitor.shop.begin()
                visitor.begun = True
            getattr(visitor.shop, self._visitors.storefront.cleanups[item.kind])(item)
            visitor.session.settle()
        except UNREADABLE as error:
            if isinstance(error, AttributeError) and error.obj is visitor.shop:  # no reply is to blame for that
                raise
            visitor.session.unreadable(error, f"{type(error).__name__}: {error}")
