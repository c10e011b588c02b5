"""What the records say of each block: its latencies, failed requests and orders; also of a run that goes on.

A request belongs to the block in which it was scheduled, from `skip_s` on, if its session began in a block of the same
release. What isn't known has no value and a reason, never 0. Requests that tell nothing of the shop, such as those that
a proxy failed, are counted beside: a block that lost many of them on one side would be compared by the rest.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loadtests.comparison.compared import Compared
from loadtests.comparison.job import ComparisonJob, Variant
from loadtests.comparison.orders import orders_of_blocks
from loadtests.comparison.placing import Kept, begun_sql, kept_of, within_sql
from loadtests.comparison.server_side import server_side
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import texts
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS, SESSIONS
from slo.objectives.indicators import HANGS_S, NEVER_JUDGED
from slo.regression.measures import Kind, Measure, Measured, Pair, Value

_NS = 1_000_000_000
_INFINITE = (1 << 63) - 1
NOTHING = Value(value=None, events=0, because="no request of it was recorded in the block")
NOT_YET = Value(value=None, events=0, because="the server's counters are read once the run is over")
Values = dict[tuple[str, int], Value]
"""The values by the measure's name and the block's place among the job's blocks."""


def observe(job: ComparisonJob, runs: Path, compared: Compared, *, live: bool = False) -> tuple[Measured, ...]:
    """Return each measure's values in the job's whole pairs; `runs` is the folder of its runs.

    Of a run that goes on (`live`) the closed parts are read, and the server's measures aren't known yet: they count
    among the measures, have no value, and so can't pass.
    Raises BadInput where records can't be read.
    """
    kept = kept_of(job)
    values: Values = {}
    for name in dict.fromkeys(one.block.run for one in kept):
        own = [one for one in kept if one.block.run == name]
        values |= _of_run(RunDirectory(path=runs / name), own, compared, live=live)
    if live:
        unknown = [one.name for one in compared.measures if one.source == "prometheus"]
        values |= dict.fromkeys(itertools.product(unknown, range(len(job.blocks))), NOT_YET)
    return tuple(Measured(measure=one, pairs=_pairs(job, kept, one, values)) for one in compared.measures)


def _pairs(job: ComparisonJob, kept: Sequence[Kept], measure: Measure, values: Values) -> tuple[Pair, ...]:
    """Return the pairs of which both blocks were played."""
    places = {(one.block.pair, one.block.variant): one.place for one in kept}
    numbers = sorted({block.pair for block in job.blocks})
    whole = [number for number in numbers if (number, "a") in places and (number, "b") in places]

    def value(number: int, variant: Variant) -> Value:
        place = places[number, variant]
        why = job.blocks[place].invalid_because
        if why is not None:
            return Value(value=None, events=0, because=why)
        return values.get((measure.name, place), NOTHING)

    return tuple(Pair(number=number, a=value(number, "a"), b=value(number, "b")) for number in whole)


def _of_run(directory: RunDirectory, kept: Sequence[Kept], compared: Compared, *, live: bool) -> Values:
    values: Values = {}
    with PartsDatabase(directory, {"requests": REQUESTS, "sessions": SESSIONS}) as database:
        database.check("requests", frozenset({"error"}))
        _place_requests(database, kept)
        for measure in compared.measures:
            if measure.source == "records" and measure.kind is not Kind.ORDERS:
                values |= _of_measure(database, measure, kept)
        orders = next((one for one in compared.measures if one.kind is Kind.ORDERS), None)
        if orders is not None:
            database.check("sessions", frozenset({"reason"}))
            values |= {(orders.name, place): one for place, one in orders_of_blocks(database, directory, kept).items()}
        lost = {one.name: _lost(database, one) for one in compared.measures}
    if not live and compared.counters:
        values |= server_side(directory, kept, compared)
    return values | {(name, place): one for name, places in lost.items() for place, one in places.items()}


def _lost(database: PartsDatabase, measure: Measure) -> dict[int, Value]:
    """Return the blocks that lost too many of the measure's requests, or of all where it names no step."""
    steps = f"WHERE step IN ({texts(measure.steps)})" if measure.steps else ""
    found = database.rows(
        "requests",
        f"SELECT block, count(*) FILTER (lost), count(*) FROM all_placed {steps} GROUP BY block",  # noqa: S608 - quoted by texts()
    )
    return {
        place: Value(value=None, events=total - lost, because=_why_lost(lost, total, measure))
        for place, lost, total in found
        if lost > measure.most_lost_ratio * total
    }


def _why_lost(lost: int, total: int, measure: Measure) -> str:
    return (
        f"{lost} of its {total} requests were blocked, failed at the proxy or weren't sent for want of a port or a"
        f" descriptor: over {measure.most_lost_ratio * 100:.3g} %, so the rest says too little"
    )


def _place_requests(database: PartsDatabase, kept: Sequence[Kept]) -> None:
    """Make the table `all_placed` of the requests that belong to a block, and `placed` of those that can be judged."""
    block, own = within_sql("scheduled_at", kept), within_sql("scheduled_at", kept, letters=True)
    database.rows(
        "requests",
        f"""
        CREATE TEMP TABLE all_placed AS
        WITH {begun_sql(kept)},
        timed AS (SELECT session, step, error, finished_at::HUGEINT - scheduled_at AS response,
                         finished_at::HUGEINT - sent_at AS service, {block} AS block, {own} AS variant FROM requests)
        SELECT step, block,
               CASE WHEN error IS NULL THEN 0 WHEN error = 'cut_off' AND service < {round(HANGS_S * _NS)} THEN NULL
                    ELSE 1 END::TINYINT AS bad,
               CASE WHEN error IS NULL THEN least(greatest(response, 0), {_INFINITE}) ELSE {_INFINITE} END::BIGINT
                   AS response,
               coalesce(error, '') IN ({texts(NEVER_JUDGED)}) AS lost
        FROM timed JOIN told USING (session, variant)
        WHERE block IS NOT NULL
        """,  # noqa: S608 - numbers, and words of this package
    )
    database.rows("requests", "CREATE TEMP VIEW placed AS SELECT * FROM all_placed WHERE NOT lost")


def _of_measure(database: PartsDatabase, measure: Measure, kept: Sequence[Kept]) -> Values:
    value: Callable[[Mapping[str, int]], Value] = _latency if measure.kind is Kind.LATENCY else _errors
    quantile = measure.quantile or 0.95
    found = database.rows(
        "requests",
        f"""
        SELECT block, count(*), sum(bad), quantile_disc(response, {quantile:.6f}) FROM placed
        WHERE step IN ({texts(measure.steps)}) AND bad IS NOT NULL GROUP BY block
        """,  # noqa: S608 - quoted by texts()
    )
    read = {place: {"events": events, "bad": int(bad), "ns": ns} for place, events, bad, ns in found}
    return {(measure.name, one.place): value(read[one.place]) for one in kept if one.place in read}


def _latency(read: Mapping[str, int]) -> Value:
    value = math.inf if read["ns"] == _INFINITE else read["ns"] / _NS
    return Value(value=value, events=read["events"])


def _errors(read: Mapping[str, int]) -> Value:
    return Value(value=read["bad"] / read["events"], events=read["events"])
