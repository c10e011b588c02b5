"""The requests of judged steps as columns, some hundred thousand at a time."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from loadtests.results.parts_database import PartsDatabase, text
from loadtests.results.request_tallies import during, texts
from slo.objectives.indicators import NEVER_JUDGED, Window
from slo.objectives.sources import Clock

UNJUDGED, GOOD, FAILED, CUT_OFF = range(4)
"""Kinds: outside of the judged window or never judged; with a reply as it should be; failed; cut off by the end."""
ERRORS = (NEVER_JUDGED[0], None, "failed", "cut_off")
"""An error of each kind."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Some requests: the session of each, the place of its step, its kind, and its times in ns."""

    session: Ints
    step: Ints
    kind: Ints
    response: Ints
    service: Ints

    @classmethod
    def of(cls, some: Sequence["Requests"]) -> "Requests":
        """Return all of some, one after the other."""
        nothing = np.zeros(0, np.int64)
        columns = {name: [nothing, *(getattr(one, name) for one in some)] for name in cls.__slots__}
        return cls(**{name: np.concatenate(values) for name, values in columns.items()})

    def waited(self, clock: Clock) -> Ints:
        """Return how long each took by the clock."""
        return self.response if clock == "scheduled" else self.service

    def at(self, places: Any) -> "Requests":  # noqa: ANN401 - indices or truths
        """Return those in some places."""
        return Requests(
            session=self.session[places],
            step=self.step[places],
            kind=self.kind[places],
            response=self.response[places],
            service=self.service[places],
        )


def requests_of(
    database: PartsDatabase, window: Window, steps: Sequence[str], also: str = "", view: str = "timed_requests"
) -> Generator[Requests]:
    """Read the requests of some steps in a view once, those that are `also` so; raises BadInput."""
    for batch in database.batches("requests", _query(window, steps, also, view)):
        yield Requests(
            session=column(batch, "session"),
            step=column(batch, "step"),
            kind=column(batch, "kind"),
            response=column(batch, "response"),
            service=column(batch, "service"),
        )


def column(batch: pa.RecordBatch, name: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return one column as an array."""
    return batch.column(name).to_numpy(zero_copy_only=False)


def _query(window: Window, steps: Sequence[str], also: str, view: str) -> str:
    place = " ".join(f"WHEN step = {text(name)} THEN {place}" for place, name in enumerate(steps))
    return f"""
        SELECT session, (CASE {place} END)::USMALLINT AS step, response, service,
               (CASE WHEN NOT {during(window)} THEN {UNJUDGED} WHEN error IS NULL THEN {GOOD}
                     WHEN error = 'cut_off' THEN {CUT_OFF} WHEN error IN ({texts(NEVER_JUDGED)}) THEN {UNJUDGED}
                     ELSE {FAILED} END)::UTINYINT AS kind
        FROM {view} WHERE step IN ({texts(steps)}) {also}
    """  # noqa: S608 - quoted by text() and texts(), and numbers
