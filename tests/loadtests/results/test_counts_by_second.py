"""What criteria count of each second is what the records say row by row, and what the plan wants."""

from pathlib import Path

import numpy as np
import pytest

from loadtests.demand.plan import read_plan
from loadtests.demand.revision import Revision
from loadtests.demand.visits import orders_of
from loadtests.results.counts_by_second import accepted_by_second, count_by_second, quantiles_in, seconds_of
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_tallies import time_requests
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from slo.objectives.indicators import Window
from slo.policy.criteria import ErrorsCriterion, LatencyCriterion, OrdersCriterion, RequestsCriterion
from slo.policy.windows import Seconds
from tests.loadtests.results.test_request_records import JUDGED, SECOND, made

DEMO = Path(__file__).parents[3] / "loadtests" / "demand" / "plans" / "demo.yaml"
CRITERIA = (
    LatencyCriterion(name="a", kind="latency", steps=("checkout", "it's"), quantile=0.95, over_s=0.4, window_s=5),
    LatencyCriterion(name="b", kind="latency", steps=("cart",), quantile=0.9, over_s=0.3, window_s=5, clock="sent"),
    ErrorsCriterion(name="c", kind="errors", over_ratio=0.02, window_s=5),
    ErrorsCriterion(name="d", kind="errors", steps=("home",), over_ratio=0.02, window_s=5),
)
REPLIES = RequestsCriterion(name="e", kind="requests", steps=("home",), under_plan_ratio=0.9, window_s=5)
ORDERS = OrdersCriterion(name="f", kind="orders", under_plan_ratio=0.9, window_s=5)


@pytest.mark.parametrize("seed", range(3))
def test_each_second_holds_what_its_rows_say(seed: int, tmp_path: Path) -> None:
    requests, _ = made(seed, 1500)
    directory = RunDirectory(path=tmp_path)
    write_table(directory.part("requests", "w0", "00000"), requests)
    with PartsDatabase(directory, {"requests": REQUESTS}) as database:
        database.check("requests", frozenset({"error"}))
        time_requests(database)
        found = count_by_second(database, (*CRITERIA, REPLIES), JUDGED)
    length = int(JUDGED.duration_s)
    for one in CRITERIA:
        bad, events = np.zeros(length), np.zeros(length)
        clock, longest_ns = one.asked.longest
        for row in requests.to_pylist():
            second = (row["scheduled_at"] - JUDGED.starts_at) // SECOND
            since = row["scheduled_at" if clock == "scheduled" else "sent_at"]
            is_bad = one.asked.bad(row["error"], longer=row["finished_at"] - since > longest_ns)
            if 0 <= second < length and is_bad is not None and (not one.steps or row["step"] in one.steps):
                events[second] += 1
                bad[second] += is_bad
        assert found[one.name][0].tolist() == bad.tolist()
        assert found[one.name][1].tolist() == events.tolist()
        assert bad.sum()
    good = np.zeros(length)
    for row in requests.to_pylist():
        second = (row["finished_at"] - JUDGED.starts_at) // SECOND
        if row["error"] is None and row["step"] == "home" and 0 <= second < length:
            good[second] += 1
    assert found["e"][0].tolist() == good.tolist()


def test_the_quantile_of_a_window_counts_a_failed_request_as_slow(tmp_path: Path) -> None:
    requests, _ = made(1, 400)
    directory = RunDirectory(path=tmp_path)
    write_table(directory.part("requests", "w0", "00000"), requests)
    window = Window(starts_at=JUDGED.starts_at, ends_at=JUDGED.ends_at)
    (found,) = quantiles_in(directory, CRITERIA[0].model_copy(update={"quantile": 0.5}), [window])
    (most,) = quantiles_in(directory, CRITERIA[0].model_copy(update={"quantile": 0.999}), [window])
    assert found is not None
    assert 0 <= found < 25
    assert most is None  # as many failed


def test_orders_are_the_ledgers_and_none_of_them_lost_passes_for_too_few(tmp_path: Path) -> None:
    plan = read_plan(DEMO)
    row = '{"event":"outcome","at":%d,"key":"k","outcome":"%s"}\n'
    at = JUDGED.starts_at + 3 * SECOND
    lines = [row % (at, "accepted"), row % (at, "refused"), row % (JUDGED.starts_at - 1, "accepted"), row[:9]]
    (tmp_path / "ledger-w0.jsonl").write_text("".join(lines))
    orders = accepted_by_second(RunDirectory(path=tmp_path), JUDGED)
    assert (orders[0].sum(), orders[0][3], orders[1]) == (1, 1, 2)
    assert isinstance(seconds_of(ORDERS, {}, plan, (), orders, 2), Seconds)
    assert seconds_of(ORDERS, {}, plan, (), orders, 3) == "the ledgers hold 2 accepted orders, and the run counted 3"
    assert seconds_of(ORDERS, {}, plan, (), orders, None) == (
        "the ledgers hold 2 accepted orders, and the run counted an unknown number"
    )


def test_a_rate_is_held_against_the_plan_as_it_was_revised() -> None:
    plan = read_plan(DEMO)
    orders = (np.zeros(100), 0)
    steady = seconds_of(ORDERS, {}, plan, (), orders, 0)
    halved = seconds_of(ORDERS, {}, plan, (Revision(number=1, at_s=0, factor=0.5, why="ops"),), orders, 0)
    assert isinstance(steady, Seconds)
    assert isinstance(halved, Seconds)
    each = sum(share * orders_of(plan)[name] for name, share in plan.journeys.items())
    assert steady.whole[steady.lag] == pytest.approx(plan.demand.peak_sessions_per_s * each)
    assert halved.whole[-1] == pytest.approx(steady.whole[-1] / 2)
