"""What criteria over windows count of each second of the judged time: from the records, the ledgers and the plan."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic_core import from_json

from loadtests.demand.plan import Plan
from loadtests.demand.planned_rates import each_session, lag_s
from loadtests.demand.revision import Revision, revised_curve
from loadtests.demand.visits import uncounted
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import during, texts
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS
from slo.documents import BadInput
from slo.objectives.indicators import NEVER_JUDGED, Asked, Window
from slo.policy.criteria import Criterion, LatencyCriterion, OrdersCriterion, RateCriterion, RequestsCriterion
from slo.policy.windows import Seconds

_NS = 1_000_000_000
Floats = npt.NDArray[np.float64]
Counted = Mapping[str, tuple[Floats, Floats]]


def count_by_second(database: PartsDatabase, criteria: Sequence[Criterion], window: Window | None) -> Counted:
    """Return by criterion the bad and all requests of each second, or the good replies that came in it, and zeros.

    Two readings at most, whatever the criteria; raises BadInput. `database` has the view `timed_requests`.
    """
    if window is None:
        return {}
    ratios = [one for one in criteria if not isinstance(one, RateCriterion)]
    rates = [one for one in criteria if isinstance(one, RequestsCriterion)]
    found: dict[str, tuple[Floats, Floats]] = {}
    if ratios:
        columns = [column for one in ratios for column in _ratio_columns(one.asked)]
        counted = _grouped(database, "scheduled_at", columns, window)
        found |= {one.name: (counted[2 * n], counted[2 * n + 1]) for n, one in enumerate(ratios)}
    if rates:
        good = [f"error IS NULL AND {_of_steps(one.steps)}" for one in rates]
        counted = _grouped(database, "finished_at", good, window)
        found |= {one.name: (counted[n], np.zeros_like(counted[n])) for n, one in enumerate(rates)}
    return found


def _ratio_columns(asked: Asked) -> tuple[str, str]:
    """Return the conditions of a bad request and of any that is counted, as `Asked.bad` has them."""
    clock, longest_ns = asked.longest
    longer = f"{'response' if clock == 'scheduled' else 'service'} > {longest_ns}"
    never = f"coalesce(error, '') IN ({texts(sorted(NEVER_JUDGED))})"
    counted = f"{_of_steps(asked.steps)} AND NOT {never} AND NOT (coalesce(error, '') = 'cut_off' AND NOT {longer})"
    bad = "error IS NOT NULL" if asked.threshold_s is None else f"(error IS NOT NULL OR {longer})"
    return f"{counted} AND {bad}", counted


def _of_steps(steps: Sequence[str]) -> str:
    return f"step IN ({texts(steps)})" if steps else "true"


def _grouped(database: PartsDatabase, when: str, conditions: Sequence[str], window: Window) -> list[Floats]:
    """Return of each condition the number of requests by second; what is left of the last second is no whole one."""
    length = int(window.duration_s)
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
    within = f"{when} >= {window.starts_at} AND {when} < {window.starts_at + length * _NS}"
    query = f"""
        SELECT ({when} - {window.starts_at}) // {_NS} AS second, {counts}
        FROM timed_requests WHERE {within} GROUP BY second
    """  # noqa: S608 - quoted by texts(), and numbers
    found = np.zeros((len(conditions), length))
    for second, *numbers in database.rows("requests", query):
        found[:, int(second)] = numbers
    return list(found)


def accepted_by_second(directory: RunDirectory, window: Window) -> tuple[Floats, int]:
    """Return the orders accepted in each second by the ledgers, and all that they hold; raises BadInput."""
    length = int(window.duration_s)
    found, total = np.zeros(length), 0
    for at in _accepted(directory):
        total += 1
        second = (at - window.starts_at) // _NS
        if 0 <= second < length:
            found[second] += 1
    return found, total


def _accepted(directory: RunDirectory) -> Iterable[int]:
    for path in directory.ledgers():
        try:
            with path.open("rb") as file:
                for line in file:
                    if b'"accepted"' not in line or not line.endswith(b"\n"):
                        continue
                    match from_json(line):
                        case {"event": "outcome", "outcome": "accepted", "at": int(at)}:
                            yield at
        except (OSError, ValueError) as error:
            raise BadInput(f"{path}: can't be read: {error}") from error


def seconds_of(
    criterion: Criterion,
    counted: Counted,
    plan: Plan,
    revisions: Sequence[Revision],
    orders: tuple[Floats, int] | None,
    accepted: int | None,
) -> Seconds | str:
    """Return what a criterion is evaluated on, or the sentence that says why there is nothing."""
    if not isinstance(criterion, RateCriterion):
        part, whole = counted[criterion.name]
        return Seconds(part=part, whole=whole)
    if missing := uncounted(plan):
        return f"the plan doesn't say how often a session of {', '.join(missing)} makes each step (peakproof try)"
    each = each_session(criterion, plan)
    if not each:
        return "the plan wants none of it"
    if isinstance(criterion, OrdersCriterion):
        if orders is None or orders[1] != accepted:
            held, said = (0 if orders is None else orders[1]), "an unknown number" if accepted is None else accepted
            return f"the ledgers hold {held} accepted orders, and the run counted {said}"
        part = orders[0]
    else:
        part = counted[criterion.name][0]
    lag = lag_s(plan)
    return Seconds(part=part, whole=_planned(plan, revisions, len(part), lag) * each, lag=lag)


def _planned(plan: Plan, revisions: Sequence[Revision], length: int, lag: int) -> Floats:
    """Return the sessions planned in each second from `lag` before the judged time on, as revised."""
    curve, start = revised_curve(plan.curve(), revisions), plan.judged_span()[0] - lag
    edges = [curve.expected_arrivals(min(max(0.0, start + n), curve.duration_s)) for n in range(length + lag + 1)]
    return np.diff(np.asarray(edges))


def quantiles_in(directory: RunDirectory, criterion: LatencyCriterion, windows: Sequence[Window]) -> list[float | None]:
    """Return the latency at a criterion's quantile in each window, None where as many failed as it leaves out."""
    column = "scheduled_at" if criterion.clock == "scheduled" else "sent_at"
    never = texts(sorted({*NEVER_JUDGED, "cut_off"}))
    found: list[float | None] = []
    with PartsDatabase(directory, {"requests": REQUESTS}) as database:
        for window in windows:
            query = f"""
                SELECT quantile_disc(
                    CASE WHEN error IS NULL THEN TRY(finished_at - {column}) ELSE 9223372036854775807 END,
                    {criterion.quantile!r})
                FROM requests WHERE {during(window)} AND {_of_steps(criterion.steps)}
                  AND coalesce(error, '') NOT IN ({never})
            """  # noqa: S608 - quoted by texts(), and numbers
            ((value,),) = database.rows("requests", query)
            found.append(None if value is None or value >= 1 << 62 else value / _NS)
    return found
