"""Criteria over windows in the live view: the last window, for eyes alone."""

from pathlib import Path

import pytest

from loadtests.demand.plan import Plan, read_plan
from loadtests.live.board import Board
from loadtests.live.criteria import Followed, criteria_of, criteria_watches
from loadtests.live.so_far import Judged
from loadtests.live.worker_figures import WorkerFigures
from loadtests.results.run_directory import RunDirectory
from slo.policy.criteria import ErrorsCriterion
from tests.loadtests.fakes import SECOND, batch
from tests.loadtests.live.test_board import ALWAYS, START, TIMETABLE, checkout, gauges, watch

ROOT = Path(__file__).parents[3]
POLICY = """\
format: peakproof/policy/v1
criteria:
- {name: slow, kind: latency, steps: [checkout], quantile: 0.95, over_s: 0.8, window_s: 5}
- {name: bad, kind: errors, over_ratio: 0.02, window_s: 5, enforce: true}
- {name: few, kind: orders, under_plan_ratio: 0.9, window_s: 60}
"""


@pytest.fixture
def plan() -> Plan:
    return read_plan(ROOT / "loadtests" / "demand" / "plans" / "demo.yaml")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(path=tmp_path)
    directory.policy.write_text(POLICY)
    return directory


def test_a_run_without_a_policy_follows_none(tmp_path: Path) -> None:
    assert criteria_of(RunDirectory(path=tmp_path)) == ()


def test_what_requests_show_is_followed_and_a_rate_is_not(directory: RunDirectory, plan: Plan) -> None:
    found = {one.name: one for one in criteria_watches(criteria_of(directory), plan)}
    assert list(found) == ["criterion slow", "criterion bad"]
    assert (found["criterion slow"].limit_s, found["criterion slow"].steps) == (0.8, frozenset({"checkout"}))
    assert {"home", "checkout"} < found["criterion bad"].steps
    slow, quick = checkout(12, took_s=0.9), checkout(12, took_s=0.7)
    assert [found["criterion slow"].bad(one) for one in (slow, quick)] == [True, False]
    assert [found["criterion bad"].bad(one) for one in (slow, checkout(12, error="http_5xx"))] == [False, True]


def test_a_window_beyond_its_limit_is_shown_with_its_seconds_and_stops_no_run(
    directory: RunDirectory, plan: Plan
) -> None:
    watches = (watch(enough=10**9), *criteria_watches(criteria_of(directory), plan))
    board, figures = Board(TIMETABLE, watches, START), WorkerFigures(watches, ALWAYS)
    for second in range(12):
        took_s = 0.9 if 6 <= second < 8 else 0.1
        figures.steps_ended(batch(*(checkout(second, took_s=took_s) for _ in range(20))))
        now = START + (second + 1) * SECOND
        board.merge("w0", figures.take(now), gauges())
        live = board.snapshot(now, "running")
    slow, bad = live.criteria
    assert (slow.name, slow.beyond, slow.beyond_s, slow.value, slow.enforce) == ("slow", True, 6, 0.2, False)
    assert slow.says == "p95 of checkout over 800 ms in any 5 s"
    assert (bad.beyond, bad.beyond_s, bad.value, bad.enforce) == (False, 0, 0.0, True)
    assert [one.name for one in live.objectives] == ["checkout-latency"]
    assert board.certain_breach() is None
    assert "0.8" not in live.steps["checkout"].latency.buckets


def test_before_a_whole_window_and_of_a_single_bad_request_among_few_nothing_is_said() -> None:
    one = Followed(criterion=ErrorsCriterion(name="bad", kind="errors", over_ratio=0.02, window_s=5))
    for second in range(5):
        one.close_second(Judged(bad=second, total=second))
    assert (one.entry.value, one.entry.beyond) == (None, False)
    few = Followed(criterion=one.criterion)
    for second in range(8):
        few.close_second(Judged(bad=min(second, 1), total=second))
    assert (few.entry.beyond, few.entry.beyond_s) == (False, 0)
