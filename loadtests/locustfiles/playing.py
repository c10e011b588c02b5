"""Plays one session of a locustfile: on_start, its tasks, on_stop; and what its code raises becomes an outcome."""

import argparse
import traceback
from pathlib import Path
from typing import Any

from loadtests.locustfiles.about_a_reply import ABOUT_A_REPLY
from loadtests.locustfiles.cookies import Cookies
from loadtests.locustfiles.environment import LocustEnvironment
from loadtests.locustfiles.exceptions import (
    NotPlayedError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopUser,
    VisitEndedError,
    VisitOverError,
)
from loadtests.locustfiles.http_session import HttpSession
from loadtests.locustfiles.loading import Played
from loadtests.locustfiles.response import Response
from loadtests.locustfiles.tasks import TaskSet, UserTaskSet
from loadtests.locustfiles.users import User
from loadtests.locustfiles.visit import CURRENT, Turns, Visit
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError, UnreadableReplyError

_OURS = str(Path(__file__).parent)
# What a locustfile may ask for a name that it hasn't here: a mistake of its own, or what can't be played.
_NOT_OF_A_REPLY = (User, TaskSet, HttpSession, Response, Cookies, LocustEnvironment, argparse.Namespace)


def play(
    played: Played, session: Session, bases: dict[str | None, str], hosts: dict[str, str | None], turns: Turns | None
) -> None:
    """Play a session's user; raises SessionFailedError, what a ceiling raises, and what is a mistake of the code's."""
    journey = session.arrival.journey
    visit = Visit(session, bases, hosts[journey], played.declared.tasks_per_session, turns)
    token = CURRENT.set(visit)
    try:
        _play(played.users[journey], played.environment)
    except VisitEndedError as ended:
        raise ended.cause from ended
    except SystemExit as ended:
        raise RuntimeError("the locustfile ends the process: take sys.exit() or exit() out of it") from ended
    except Exception as error:  # noqa: BLE001 - whatever a task raises is told apart
        _failed(visit, error, played)
    finally:
        _write_left(visit)
        CURRENT.reset(token)


def _play(user_class: type[Any], environment: Any) -> None:  # noqa: ANN401 - the stand-in's
    user = user_class(environment)
    try:
        user.on_start()
        UserTaskSet(user).run()
    except (StopUser, VisitOverError, RescheduleTask, RescheduleTaskImmediately):
        pass
    user.on_stop()


def _failed(visit: Visit, error: Exception, played: Played) -> None:
    """Let a task's exception be the failure of the last request, where it is about its reply; else raise it."""
    events: Any = played.environment.events
    events.user_error.fire(user_instance=None, exception=error, tb=error.__traceback__)
    if isinstance(error, NotPlayedError) or not isinstance(error, ABOUT_A_REPLY):
        raise error
    if isinstance(error, AttributeError) and isinstance(error.obj, _NOT_OF_A_REPLY):
        raise error  # no reply is to blame for a name that they lack
    why = f"{_place(error)}{type(error).__name__}: {error}"
    if visit.last_error is None:
        visit.session.unreadable(error, why)
    kind = UnreadableReplyError if visit.unreadable else SessionFailedError
    failed = kind(f"{visit.last_step}: {visit.last_error}")
    failed.why = why
    raise failed from error


def _write_left(visit: Visit) -> None:
    """Write the records of responses that were caught and never given a word."""
    for response in list(visit.pending.values()):
        response._session.settle(response, None, None)  # noqa: SLF001 - it is ours


def _place(error: BaseException) -> str:
    """Return `file.py:12: ` for the locustfile's line that an error came through last, "" for none."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not one.filename.startswith(_OURS) and "site-packages" not in one.filename]
    return f"{Path(theirs[-1].filename).name}:{theirs[-1].lineno}: " if theirs else ""
