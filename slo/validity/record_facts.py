"""What the records of a run say of themselves, over the whole of it: counts to hold against what else is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """Counts of all requests and sessions that were recorded, whenever they were.

    `backwards` are those whose times run backwards: sent before it was due, ended before it was sent. `accepted_5xx`
    are replies of status 5xx without an error, `other_status` those whose error names another status, by that error.
    `twice` is how many sessions have a number that another has, too; `outcomes` counts them by how they ended. The
    moments are ns: when the first session was due, and when the last reply came.
    """

    requests: int
    errors: int
    requests_backwards: int
    accepted_5xx: int
    other_status: Mapping[str, int] = field(default_factory=dict)
    sessions: int
    sessions_backwards: int
    sessions_twice: int
    outcomes: Mapping[str, int]
    first_due_at: int | None
    last_ended_at: int | None
