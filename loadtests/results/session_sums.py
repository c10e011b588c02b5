"""What sessions did as a whole, by one reading of all requests by session: steps asked for, and how they fail together.

Held are a few numbers a session while it is read, on the disk where they become many; what comes back is small.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from loadtests.results.exact_quantiles import Values
from loadtests.results.judged_requests import ERRORS, Ints, Requests, column, requests_of
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import HANGS, Questions, cell, during
from slo.design_effect import BLOCKS
from slo.documents import BadInput
from slo.objectives.indicators import LATE_S, Asked, Ending, Window

_NS = 1_000_000_000
_SCALE = 30
"""Residuals are summed as whole numbers of 2 to the power of -30: the same whatever order DuckDB reads in."""
_BYTES = 192 << 20
"""What the sums of the sessions that are read at once may take."""
_AT_ONCE = 1 << 20
_DENSE = 4
_BACKWARDS = 8
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIds:
    """The ids of sessions in order: all from `first` to `last`, or those `known` where most between are nobody's."""

    first: int
    last: int
    known: Ints | None = None
    condition: str = ""

    def __len__(self) -> int:
        return self.last - self.first + 1 if self.known is None else len(self.known)

    def places(self, ids: Ints) -> tuple[Ints, Any]:
        """Return the places of those ids that are among these, and which those are, None for all."""
        if not len(self):
            return ids[:0], np.zeros(len(ids), bool)
        if self.known is None:
            if len(ids) and self.first <= ids.min() and ids.max() <= self.last:
                return ids - self.first, None
            inside = (ids >= self.first) & (ids <= self.last)
            return ids[inside] - self.first, inside
        place = np.searchsorted(self.known, ids)
        known: Any = self.known[np.minimum(place, len(self.known) - 1)] == ids
        return place[known], known

    def parts(self, most: int) -> "Iterator[tuple[int, SessionIds]]":
        """Return them in parts of at most so many, each with the place of its first."""
        for start in range(0, len(self), most):
            if self.known is None:
                first, last, known = self.first + start, min(self.first + start + most - 1, self.last), None
            else:
                known = self.known[start : start + most]
                first, last = int(known[0]), int(known[-1])
            condition = f"AND session BETWEEN {first} AND {last}" if len(self) > most else ""
            yield start, SessionIds(first=first, last=last, known=known, condition=condition)


NOBODY = SessionIds(first=0, last=-1)


def session_ids(database: PartsDatabase) -> SessionIds:
    """Return the ids of the sessions that made requests; raises BadInput."""
    footers = database.footers["requests"]
    if not footers.rows:
        return NOBODY
    if "session" in footers.ranges:
        first, last = footers.ranges["session"]
        if last - first < _DENSE * footers.rows:
            return SessionIds(first=first, last=last)
    batches = database.batches("requests", "SELECT DISTINCT session FROM requests")
    known = np.sort(np.concatenate([column(batch, "session") for batch in batches]))
    return SessionIds(first=int(known[0]), last=int(known[-1]), known=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What one objective's steps have on average: the `bad` ratio of each, and the `binomial` variance of all."""

    asked: Asked
    bad: Mapping[str, float]
    binomial: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSums:
    """Requests by ending and step of the sessions of the judged window, and the scatter of each that was asked."""

    made: Mapping[tuple[Ending, str], int]
    scatter: Mapping[Asked, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Sessions of the judged window by ending and block; `kinds` is the place in `endings` by the place of its id.

    Of all sessions: `outcomes` counts how they ended, `twice` those whose number another has, too, and `backwards`
    those whose times run backwards.
    """

    ids: SessionIds
    endings: Sequence[Ending]
    sessions: Mapping[tuple[Ending, int], int]
    kinds: Ints
    outcomes: Mapping[str, int]
    twice: int
    backwards: int


def read_endings(database: PartsDatabase, window: Window | None, *, hung: bool) -> Endings:
    """Read all sessions, those of the judged window by how they ended; raises BadInput.

    `hung` tells whether any request of the run did.
    """
    ids = NOBODY if window is None else session_ids(database)
    kinds = np.full(len(ids), -1, np.int64)
    places: dict[Ending, int] = {}
    found: Counter[tuple[Ending, int]] = Counter()
    outcomes: Counter[str] = Counter()
    numbers, backwards = _Numbers(database), 0
    for batch in database.batches("sessions", _ended(window, hung=hung)):
        session, block, flags = column(batch, "session"), column(batch, "block"), column(batch, "flags")
        numbers.add(session)
        backwards += int(np.count_nonzero(flags & _BACKWARDS))
        outcomes.update({one["values"]: one["counts"] for one in batch.column("outcome").value_counts().to_pylist()})
        inside = block >= 0
        if not inside.any():
            continue
        ending = _endings_of(batch.filter(pa.array(inside)), places)
        place, known = ids.places(session[inside])
        kinds[place] = ending if known is None else ending[known]
        names = list(places)
        sessions = np.bincount(ending * BLOCKS + block[inside])
        for both in np.flatnonzero(sessions):
            found[names[both // BLOCKS], int(both % BLOCKS)] += int(sessions[both])
    return Endings(
        ids=ids,
        endings=list(places),
        sessions=found,
        kinds=kinds,
        outcomes=outcomes,
        twice=numbers.twice(),
        backwards=backwards,
    )


class _Numbers:
    """The numbers of all sessions while they are read: a bit each where they lie close, else the numbers themselves."""

    def __init__(self, database: PartsDatabase) -> None:
        footers = database.footers["sessions"]
        self._first, self._last = footers.ranges.get("session", (0, -1))
        is_dense = self._last - self._first < _DENSE * footers.rows
        self._seen = np.zeros(self._last - self._first + 1, np.bool_) if is_dense else None
        self._some: list[Ints] = []
        self._rows = 0

    def add(self, numbers: Ints) -> None:
        """Add the numbers of some sessions; raises BadInput for one beyond what the footers tell."""
        if len(numbers) and not self._first <= numbers.min() <= numbers.max() <= self._last:
            raise BadInput("sessions-*.parquet: session: a number beyond the range that the parts' footers tell")
        self._rows += len(numbers)
        if self._seen is None:
            self._some.append(numbers)
        else:
            self._seen[numbers - self._first] = True

    def twice(self) -> int:
        """Return how many have a number that was there before."""
        if self._seen is not None:
            return self._rows - int(np.count_nonzero(self._seen))
        return self._rows - len(np.unique(np.concatenate(self._some))) if self._some else 0


def _endings_of(batch: pa.RecordBatch, places: dict[Ending, int]) -> Ints:
    """Return the place of each session's ending; new ones are added to `places`."""
    code = (column(batch, "flags") & (_BACKWARDS - 1)).astype(np.int64)
    words = []
    for name in ("journey", "outcome", "reason"):
        encoded = batch.column(name).dictionary_encode(null_encoding="encode")
        words.append(encoded.dictionary.to_pylist())
        code = code * len(words[-1]) + encoded.indices.to_numpy(zero_copy_only=False)
    seen, which = _distinct(code)
    found = [places.setdefault(_ending(int(one), words), len(places)) for one in seen]
    return np.array(found, np.int64)[which]


def _distinct(codes: Ints) -> tuple[Ints, Ints]:
    """Return the different codes in order, and the place of each among them: without sorting where they are small."""
    if not len(codes) or codes.max() > _SMALL:
        seen, which = np.unique(codes, return_inverse=True)
        return seen, which
    is_seen = np.bincount(codes) > 0
    return np.flatnonzero(is_seen), (np.cumsum(is_seen) - 1)[codes]


def _ending(code: int, words: Sequence[Sequence[str | None]]) -> Ending:
    told = []
    for among in reversed(words):
        code, place = divmod(code, len(among))
        told.append(among[place])
    reason, outcome, journey = told
    return Ending(
        journey=journey or "",
        outcome=outcome or "",
        reason=reason,
        started=bool(code & 1),
        on_time=bool(code & 2),
        hangs=bool(code & 4),
    )


def session_sums(
    database: PartsDatabase, questions: Questions, ended: Endings, means: Sequence[Means], values: Values
) -> SessionSums:
    """Read all requests by session, as many sessions at a time as there is memory for. Raises BadInput.

    `values` takes its part of what is read.
    """
    window, steps = questions.window, questions.steps
    if window is None or not steps:
        return SessionSums(made={}, scatter={})
    made: Counter[tuple[Ending, str]] = Counter()
    squares = [0] * len(means)
    for start, part in ended.ids.parts(_BYTES // (4 * len(steps) + 8 * len(means))):
        sums = _Sums(part, questions, means)
        for requests in requests_of(database, window, steps, part.condition):
            sums.add(requests)
            values.add(requests)
        for kind, step, number in sums.made_by(ended.kinds[start : start + len(part)], len(ended.endings)):
            made[ended.endings[kind], steps[step]] += number
        squares = [total + square for total, square in zip(squares, sums.squares(), strict=True)]
    scatter = {one.asked: square / (1 << 2 * _SCALE) / one.binomial for one, square in zip(means, squares, strict=True)}
    return SessionSums(made=made, scatter=scatter)


class _Sums:
    """The sums of some sessions while requests are read: requests by step, and what is bad beyond the step's mean."""

    def __init__(self, part: SessionIds, questions: Questions, means: Sequence[Means]) -> None:
        self._part, self._steps, self._means = part, questions.steps, means
        self._made = np.zeros(len(part) * len(questions.steps), np.int32)
        self._residuals = np.zeros((len(means), len(part)), np.int64)
        self._weights = [self._weights_of(one) for one in means]

    def add(self, requests: Requests) -> None:
        """Add requests of named steps."""
        place, known = self._part.places(requests.session)
        requests = requests if known is None else requests.at(known)
        # A number of the array's own type: any other takes numpy's slow way, twenty times as long.
        np.add.at(self._made, place * len(self._steps) + requests.step, np.int32(1))
        for one, weights, residuals in zip(self._means, self._weights, self._residuals, strict=True):
            clock, longest = one.asked.longest
            of_steps: Any = weights.any(axis=1)
            here = np.flatnonzero(of_steps[requests.step])
            of_kind = requests.kind[here] * 2 + (requests.waited(clock)[here] > longest)
            np.add.at(residuals, place[here], weights[requests.step[here], of_kind])

    def made_by(self, kinds: Ints, number: int) -> Iterator[tuple[int, int, int]]:
        """Return requests by kind of ending and step; a session of no kind counts for none."""
        for step in range(len(self._steps)):
            by_kind = np.zeros(number + 1, np.int64)
            np.add.at(by_kind, kinds, self._made[step :: len(self._steps)].astype(np.int64))
            yield from ((int(kind), step, int(by_kind[kind])) for kind in np.flatnonzero(by_kind[:-1]))

    def squares(self) -> list[int]:
        """Return each sum of squares, in units of 2 to the power of -60; exact, so the same in any order."""
        return [_squares(residuals) for residuals in self._residuals]

    def _weights_of(self, one: Means) -> Ints:
        """Return what a request adds, by step and by twice its kind, plus 1 where it took longer."""
        weights = np.zeros((len(self._steps), 2 * len(ERRORS)), np.int64)
        for place, step in enumerate(self._steps):
            for kind, error in enumerate(ERRORS):
                for longer in (False, True):
                    bad = one.asked.bad(error, longer=longer) if step in one.bad else None
                    if bad is not None:
                        weights[place, 2 * kind + longer] = round((bad - one.bad[step]) * (1 << _SCALE))
        return weights


def _squares(values: Ints) -> int:
    """Return the exact sum of squares: of halves, as no product may go beyond 64 bits."""
    total = 0
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        high, low = some >> 20, some & ((1 << 20) - 1)
        parts = ((high * high, 40), (2 * high * low, 20), (low * low, 0))
        total += sum(int(part.sum()) << bits for part, bits in parts)
    return total


def _ended(window: Window | None, *, hung: bool) -> str:
    """Return all sessions, each with how it ended and its block, -1 outside of the window."""
    hanging = f"SELECT session FROM timed_requests WHERE error = 'cut_off' AND service > {HANGS[1]}"  # noqa: S608 - a number
    hangs = f" + (outcome = 'cut_off' AND session IN ({hanging}))::UTINYINT * 4" if hung else ""
    on_time = f"(started_at > 0 AND coalesce(TRY(started_at - scheduled_at) <= {round(LATE_S * _NS)}, false))"
    backwards = "(started_at > 0 AND (ended_at < started_at OR started_at < scheduled_at))"
    block = f"CASE WHEN {during(window)} THEN {cell(window.edges())} - 1 ELSE -1 END" if window else "-1"
    return f"""
        SELECT session, journey, outcome, reason, ({block})::INTEGER AS block,
               (started_at > 0)::UTINYINT + {on_time}::UTINYINT * 2{hangs}
               + {backwards}::UTINYINT * {_BACKWARDS} AS flags
        FROM sessions
    """  # noqa: S608 - numbers
