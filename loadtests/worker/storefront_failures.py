"""Failures of a storefront's own code in one worker's sessions: counted by place, and when they must end the run.

A mistake in the file fails every session, and the run would only show that. One that comes rarely, or once the journey
has gone well, may be the shop's: a reply that the code can't read stays a bad event then, and is judged.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from loadtests.environment.ceilings import CeilingReachedError
from loadtests.masking.text import masked_start, texts_of
from loadtests.results.records import SessionRecord, StepBatch
from loadtests.results.worker_status import StorefrontFailure
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError, UnreadableReplyError
from loadtests.storefronts.failures import lines_of, message_of, places_of

AT_THE_START, LEAST_ENDED = 3, 10
_MOST_PLACES = 20
_LONGEST = 300
Key = tuple[str, str, str, bool]


class StorefrontFailures:
    """Plays sessions by `visit` and counts what its code, in `file`, raises; a listener of the hooks.

    `end` is called once, with why the run must end. The traceback of each place's first failure goes to `path`.
    `known` are the environment's secrets, which none of this may say.
    """

    def __init__(
        self,
        visit: Callable[[Session], None],
        file: str,
        path: Path,
        end: Callable[[str], None],
        known: tuple[str, ...] = (),
    ) -> None:
        self._visit, self._file, self._path, self._end, self._known = visit, file, path, end, known
        self._counts: Counter[Key] = Counter()
        self._failed: Counter[tuple[str, bool]] = Counter()
        self._ended: Counter[str] = Counter()
        self._completed: Counter[str] = Counter()
        self._last: dict[str, str] = {}
        self._is_over = False

    def visit(self, session: Session) -> None:
        """Play a session; what its storefront raises is counted and goes on."""
        try:
            self._visit(session)
        except UnreadableReplyError as error:
            self._count(session, error.__cause__ or error, unreadable=True)
            raise
        except (SessionFailedError, CeilingReachedError):
            raise
        except Exception as error:
            self._count(session, error, unreadable=False)
            raise

    def steps_ended(self, batch: StepBatch) -> None:
        """Count nothing: a failure is a session's."""

    def session_ended(self, record: SessionRecord) -> None:
        """Count a session's end, and end the run when the storefront fails its journey."""
        if record.outcome == "dropped":
            return
        journey = record.journey
        self._ended[journey] += 1
        self._completed[journey] += record.outcome == "completed"
        if not self._is_over and journey in self._last and self._fails(journey):
            self._is_over = True
            self._end(f"the storefront fails {journey}: {self._last[journey]}")

    def found(self) -> list[StorefrontFailure]:
        """Return what was counted, for the worker's status."""
        return [
            StorefrontFailure(journey=journey, place=place, error=error, unreadable=unreadable, count=count)
            for (journey, place, error, unreadable), count in self._counts.most_common(_MOST_PLACES)
        ]

    def _fails(self, journey: str) -> bool:
        mistakes, unreadable = self._failed[journey, False], self._failed[journey, True]
        if not self._completed[journey]:
            return mistakes + unreadable >= AT_THE_START
        ended = self._ended[journey]
        return ended >= LEAST_ENDED and mistakes > ended / 2

    def _count(self, session: Session, error: BaseException, *, unreadable: bool) -> None:
        journey = session.arrival.journey
        places = places_of(error, self._file)
        place = f"{Path(places[-1].file).name}:{places[-1].line}" if places else Path(self._file).name
        message = masked_start(message_of(error), _LONGEST, (*self._known, *texts_of(session.own.masks())))
        self._last[journey] = f"{place}: {message}"
        self._failed[journey, unreadable] += 1
        key = journey, place, type(error).__name__, unreadable
        if key not in self._counts and len(self._counts) >= _MOST_PLACES:
            return
        self._counts[key] += 1
        if self._counts[key] == 1:
            self._write([f"{journey}, session {session.arrival.number}:", *lines_of(places, message), ""])

    def _write(self, lines: list[str]) -> None:
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            os.write(file.fileno(), "".join(f"{line}\n" for line in lines).encode())
