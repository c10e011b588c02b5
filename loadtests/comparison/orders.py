"""Orders accepted by started session, of the sessions that began in each block."""

from collections import Counter
from collections.abc import Sequence

import orjson

from loadtests.comparison.placing import Kept
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput
from slo.regression.measures import Value

_MOST_UNENDED = 0.01


def orders_of_blocks(database: PartsDatabase, directory: RunDirectory, kept: Sequence[Kept]) -> dict[int, Value]:
    """Return the accepted orders by session that began in each block's judged time, and how many began.

    Unknown while over 1 % of those are under way, or were cut off: they might have bought. Raises BadInput.
    """
    accepted = _accepted(directory)
    return {one.place: _of_block(database, accepted, one) for one in kept}


def _of_block(database: PartsDatabase, accepted: Counter[int], one: Kept) -> Value:
    span = f"scheduled_at >= {one.starts_at} AND scheduled_at < {one.ends_at}"
    rows = database.rows(
        "sessions",
        f"SELECT session FROM sessions WHERE {span} AND outcome NOT IN ('dropped', 'cut_off')",  # noqa: S608 - numbers
    )
    ((began,),) = database.rows(
        "requests",
        f"""
        SELECT count(*) FROM (SELECT session, min(scheduled_at) AS scheduled_at FROM requests GROUP BY session)
        WHERE {span} AND session NOT IN (SELECT session FROM sessions WHERE {span} AND outcome = 'dropped')
        """,  # noqa: S608 - numbers
    )
    ended = [session for (session,) in rows]
    started = max(began, len(ended))
    if not started:
        return Value(value=None, events=0, because="no session began in the block")
    if (missing := started - len(ended)) > _MOST_UNENDED * started:
        return Value(
            value=None, events=started, because=f"{missing} of its {started} sessions hadn't come to their end"
        )
    return Value(value=sum(accepted[session] for session in ended) / started, events=started)


def _accepted(directory: RunDirectory) -> Counter[int]:
    """Return how many orders of each session were accepted; a last row that isn't whole yet is left."""
    session_of: dict[str, int] = {}
    orders: Counter[int] = Counter()
    for path in directory.ledgers():
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise BadInput(f"{path}: can't be read: {error.strerror}") from error
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                continue
            try:
                row = orjson.loads(line)
                if row["event"] == "attempt":
                    session_of[row["key"]] = row["session"]
                elif row["event"] != "created" and row["outcome"] == "accepted" and row["key"] in session_of:
                    orders[session_of[row["key"]]] += 1
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput(f"{path}: line {number}: no row of a ledger") from error
    return orders
