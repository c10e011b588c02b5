"""What the records of a run say of themselves, from the readings that judging makes anyway."""

from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import BACKWARDS, Tallies, Tally
from loadtests.results.session_sums import Endings
from slo.validity.record_facts import RecordFacts

_STATUSES = {"http_4xx": (400, 499), "http_5xx": (500, 599)}
_SERVER_ERROR = 500


def facts_of(database: PartsDatabase, tallies: Tallies, ended: Endings) -> RecordFacts:
    """Return the facts; requests are counted once more only where a tally shows something odd. Raises BadInput."""
    every = tallies.tallies
    odd = {one.error for one in every if one.error in _STATUSES and _is_other(one)}
    accepted = any(one.error is None and one.statuses[1] >= _SERVER_ERROR for one in every)
    backwards = any(one.backwards for one in every)
    due, ends = (database.footers[kind].ranges.get(name) for kind, name in _MOMENTS)
    return RecordFacts(
        requests=sum(one.requests for one in every),
        errors=sum(one.requests for one in every if one.error is not None),
        requests_backwards=_count(database, BACKWARDS) if backwards else 0,
        accepted_5xx=_count(database, f"error IS NULL AND status >= {_SERVER_ERROR}") if accepted else 0,
        other_status={error: _count(database, _other(error)) for error in sorted(error for error in odd if error)},
        sessions=database.footers["sessions"].rows,
        sessions_backwards=ended.backwards,
        sessions_twice=ended.twice,
        outcomes=dict(ended.outcomes),
        first_due_at=None if due is None else due[0],
        last_ended_at=None if ends is None else ends[1],
    )


_MOMENTS = (("sessions", "scheduled_at"), ("requests", "finished_at"))


def _is_other(one: Tally) -> bool:
    least, most = _STATUSES[one.error or ""]
    return one.statuses[0] < least or one.statuses[1] > most


def _other(error: str) -> str:
    least, most = _STATUSES[error]
    return f"error = '{error}' AND status NOT BETWEEN {least} AND {most}"


def _count(database: PartsDatabase, condition: str) -> int:
    ((number,),) = database.rows("requests", f"SELECT count(*) FROM timed_requests WHERE {condition}")  # noqa: S608 - constants
    return int(number)
