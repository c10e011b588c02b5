"""An objective about journeys: of those who came to buy, how many did."""

from pathlib import Path

import pyarrow as pa
import pytest

from loadtests.demand.plan import read_plan
from loadtests.demand.visits import planned_events
from slo.documents import BadInput
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Availability, Window
from slo.objectives.journeys import read_sessions
from slo.objectives.objective import Objective
from slo.objectives.planning import proofs, why_not_provable
from slo.objectives.reading import read_objectives
from slo.objectives.sources import Sessions
from tests.slo.objectives.request_table import RequestTable
from tests.slo.passing import SECOND

ROOT = Path(__file__).parents[3]
WINDOW = Window(starts_at=0, ends_at=60 * SECOND)
TEXT = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: purchases, displayName: Who comes to buy can}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.95}]
  indicator:
    metadata: {name: purchases-made}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: peakproof-sessions, spec: {journeys: [buy, collect]}}}
        total: {metricSource: {type: peakproof-sessions, spec: {journeys: [buy, collect]}}}
"""


def sessions(*rows: tuple[str, str, str | None], started: bool = True, at_s: float = 1.0) -> pa.Table:
    """Return sessions of (journey, outcome, reason)."""
    at = round(at_s * SECOND)
    return pa.table(
        {
            "session": pa.array(range(len(rows)), pa.int64()),
            "journey": pa.array([row[0] for row in rows], pa.string()),
            "scheduled_at": pa.array([at] * len(rows), pa.int64()),
            "started_at": pa.array([at if started else 0] * len(rows), pa.int64()),
            "outcome": pa.array([row[1] for row in rows], pa.string()),
            "reason": pa.array([row[2] for row in rows], pa.string()),
        }
    )


def hung_request(session: int, waited_s: float) -> RequestTable:
    """Return the one request of a session that the run's end cut off."""
    column = {name: pa.array([0], pa.int64()) for name in ("scheduled_at", "sent_at")}
    waited = pa.array([round(waited_s * SECOND)], pa.int64())
    rest = {"session": pa.array([session], pa.int64()), "step": ["cart"], "error": ["cut_off"], "journey": ["buy"]}
    return RequestTable(table=pa.table({**column, "finished_at": waited, **rest}))


NO_REQUESTS = hung_request(-1, 0.0)


def records(sessions: pa.Table, requests: RequestTable = NO_REQUESTS) -> RequestTable:
    """Return sessions with their requests."""
    return RequestTable(table=requests.table, sessions=sessions)


@pytest.mark.parametrize(
    ("outcome", "reason", "is_bad"),
    [
        ("completed", None, False),
        ("failed", "cart: http_5xx", True),
        ("failed", "checkout: timeout", True),
        ("failed", "journey: KeyError('sku')", True),
        ("failed", None, True),
    ],
)
def test_a_session_that_came_to_its_end_is_good_and_one_that_gave_up_bad(
    outcome: str,
    reason: str | None,
    is_bad: bool,  # noqa: FBT001 - a case
) -> None:
    evidence = read_sessions(Sessions(journeys=("buy",)), records(sessions(("buy", outcome, reason))), WINDOW)
    assert (evidence.events, evidence.bad, evidence.left_out, evidence.unreached) == (1, int(is_bad), 0, 0)


@pytest.mark.parametrize(
    ("outcome", "reason", "is_unreached"),
    [
        ("cut_off", None, True),
        ("dropped", "ceiling_orders", False),
        ("failed", "home: no_descriptor", False),
        ("failed", "home: no_port", False),
        ("completed", "out_of_stock", False),
        ("completed", "data_exhausted", False),
        ("completed", "sold_out", False),
        ("completed", "account_locked", True),
        ("completed", "cart_locked", True),
        ("failed", "home: blocked", True),
        ("failed", "home: proxy", True),
    ],
)
def test_what_says_nothing_of_the_shop_is_left_out_and_counted(
    outcome: str,
    reason: str | None,
    is_unreached: bool,  # noqa: FBT001 - a case
) -> None:
    rows = sessions(("buy", "completed", None), ("buy", outcome, reason))
    evidence = read_sessions(Sessions(journeys=("buy",)), records(rows), WINDOW)
    assert (evidence.events, evidence.bad, evidence.left_out, evidence.unreached) == (1, 0, 1, int(is_unreached))


@pytest.mark.parametrize(("waited_s", "bad"), [(10.0, 1), (9.9, 0)])
def test_a_session_that_hung_for_10_s_when_the_run_ended_is_bad(waited_s: float, bad: int) -> None:
    rows = sessions(("buy", "cut_off", None))
    evidence = read_sessions(Sessions(journeys=("buy",)), records(rows, hung_request(0, waited_s)), WINDOW)
    assert (evidence.events, evidence.bad, evidence.left_out) == (bad, bad, 1 - bad)


def test_sessions_that_never_started_and_other_journeys_are_no_events() -> None:
    source = Sessions(journeys=("buy",))
    assert read_sessions(source, records(sessions(("look", "failed", None))), WINDOW).no_data == (
        "no session of buy in the window came to an end"
    )
    dropped = read_sessions(source, records(sessions(("buy", "dropped", "open_sessions"), started=False)), WINDOW)
    assert dropped.no_data == "no session of buy in the window came to an end (1 left out)"
    outside = sessions(("buy", "failed", None), at_s=60)
    assert read_sessions(source, records(outside), WINDOW).events == 0


def test_sessions_are_counted_by_journey_in_blocks_of_their_scheduled_start() -> None:
    late = sessions(("buy", "failed", "cart: timeout"), ("collect", "completed", None), at_s=59.9)
    evidence = read_sessions(Sessions(journeys=("buy", "collect")), records(late), WINDOW)
    assert [(one.step, one.events[-1], one.bad[-1]) for one in evidence.counts] == [("buy", 1, 1), ("collect", 1, 0)]
    assert {len(one.events) for one in evidence.counts} == {20}
    assert evidence.session_scatter is None


def objective(folder: Path, text: str = TEXT) -> Objective:
    path = folder / "objectives.yaml"
    path.write_text(text)
    (read,) = read_objectives([path])
    return read


def test_a_document_names_journeys(tmp_path: Path) -> None:
    read = objective(tmp_path)
    assert read.indicator == Availability(source=Sessions(journeys=("buy", "collect")))
    assert (read.steps, read.journeys) == ((), ("buy", "collect"))
    evidence = read_evidence(read, records(sessions(("buy", "completed", None))), pa.table({}), WINDOW)
    assert evidence.events == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "spec: {journeys: [buy, collect]}}}\n        total",
            "spec: {journeys: [buy]}}}\n        total",
            "good and total must name the same journeys: good are those of them that came to their end",
        ),
        ("journeys: [buy, collect]", "journeys: []", "List should have at least 1 item"),
        ("journeys: [buy, collect]", "journeys: [buy], steps: [cart]", "steps: unknown key"),
        ("journeys: [buy, collect]", "journeys: [Buy It]", "expected a DNS label"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        objective(tmp_path, TEXT.replace(old, new))
    assert why in str(refused.value)


def test_a_plan_tells_what_it_can_prove_of_sessions(tmp_path: Path) -> None:
    plan = read_plan(ROOT / "loadtests" / "demand" / "plans" / "demo.yaml")
    bought = objective(tmp_path, TEXT.replace("[buy, collect]", "[search-and-buy, click-and-collect]"))
    start_s, end_s = plan.judged_span()
    curve = plan.curve()
    share = plan.journeys["search-and-buy"] + plan.journeys["click-and-collect"]
    expected = (curve.expected_arrivals(end_s) - curve.expected_arrivals(start_s)) * share
    assert planned_events(plan, [bought])["purchases"] == pytest.approx(expected)
    (proof,) = proofs([bought], {"sessions of search-and-buy": 900.0}, 90.0, 0.1)
    assert (proof.planned_events, proof.possible) == (900, True)
    (none,) = proofs([bought], {"checkout": 900.0}, 90.0, 0.1)
    assert why_not_provable(none, 90.0) == (
        "the plan has no sessions of search-and-buy or sessions of click-and-collect"
    )
