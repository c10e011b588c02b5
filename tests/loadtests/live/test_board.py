"""The live snapshot is the exact sum of what the workers told, and says what it doesn't know."""

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.live.board import Board, Timetable
from loadtests.live.buckets import counted
from loadtests.live.histogram import PROMETHEUS_BOUNDS_S, Histogram
from loadtests.live.worker_figures import Gauges, Watch, WorkerFigures
from loadtests.results.live_document import LiveDocument
from loadtests.results.records import StepRecord
from tests.loadtests.fakes import SECOND, batch, session_record, step_record

START = 1000 * SECOND
JUDGED = (START + 10 * SECOND, START + 20 * SECOND)
ALWAYS = (0, 10**20)
TIMETABLE = Timetable(
    run="r1",
    phases=(("warm-up", 10.0), ("plateau", 20.0), ("drain", 25.0)),
    arrivals_s=np.array([1.0, 2.0, 3.0, 12.0]),
    rate=lambda at_s: 2.0 if at_s < 20 else 0.0,
)


def is_slow(record: StepRecord) -> bool | None:
    return None if record.error == "blocked" else record.error is not None or record.response_s > 0.4


def watch(name: str = "checkout-latency", limit_s: float | None = 0.4, enough: int = 3) -> Watch:
    return Watch(
        name=name,
        steps=frozenset({"checkout"}),
        limit_s=limit_s,
        bad=is_slow,
        is_certain=lambda so_far: so_far.now.bad >= enough,
    )


def gauges(**changes: Any) -> Gauges:
    facts: dict[str, Any] = {"open_sessions": 0, "started_total": 0, "dropped_total": 0, "orders": {}, "cpu": None}
    return Gauges(**{**facts, **changes})


def board(*watches: Watch) -> Board:
    return Board(TIMETABLE, watches, START)


def checkout(at_s: float, took_s: float = 0.1, **changes: Any) -> StepRecord:
    at = START + round(at_s * SECOND)
    facts = {"step": "checkout", "scheduled_at": at, "sent_at": at, "finished_at": at + round(took_s * SECOND)}
    return step_record(**{**facts, **changes})


STEPS = st.lists(
    st.builds(
        checkout,
        at_s=st.floats(0, 30),
        took_s=st.floats(0, 5),
        step=st.sampled_from(["home", "checkout"]),
        error=st.sampled_from([None, "timeout", "http_5xx", "blocked"]),
    ),
    max_size=30,
)


@given(STEPS, STEPS, st.integers(1, 5))
def test_two_workers_figures_add_up_exactly(left: list[StepRecord], right: list[StepRecord], size: int) -> None:
    merged = board(watch())
    for name, records in (("w0", left), ("w1", right)):
        figures = WorkerFigures([watch()], JUDGED)
        for first in range(0, len(records), size):
            figures.steps_ended(batch(*records[first : first + size]))
            if first % 3 == 0:
                merged.merge(name, json.loads(json.dumps(figures.take(START))), gauges())
        merged.merge(name, figures.take(START), gauges())
    told = merged.snapshot(START + 25 * SECOND, "running").model_dump()
    everything = [*left, *right]
    errors = Counter((record.step, record.error) for record in everything if record.error)
    assert merged.gaps == 0
    assert told["achieved"]["requests_total"] == len(everything)
    assert told["errors"]["total"] == errors.total()
    assert told["errors"]["by_step"] == {
        step: {error: count for (name, error), count in errors.items() if name == step} for step, _ in errors
    }
    for step in {record.step for record in everything}:
        of_step = Histogram()
        for record in everything:
            if record.step == step:
                of_step.add(record.response_s)
        within = sum(record.step == step and record.response_s <= 0.4 for record in everything)
        latency = told["steps"][step]["latency"]
        assert latency["buckets"] == counted(of_step, {0.4: within} if step == "checkout" else {})
        assert (latency["sum"], latency["count"]) == (of_step.sum_s, of_step.count)
        assert told["steps"][step]["requests_total"] == of_step.count
        assert told["steps"][step]["errors_total"] == sum(n for (name, _), n in errors.items() if name == step)
    judged = [r for r in everything if r.step == "checkout" and JUDGED[0] <= r.scheduled_at < JUDGED[1]]
    verdicts = [bad for bad in map(is_slow, judged) if bad is not None]
    (objective,) = told["objectives"]
    assert (objective["bad"], objective["total"]) == (sum(verdicts), len(verdicts))


def test_a_watch_is_asked_only_about_what_failed_or_took_longer_than_its_limit() -> None:
    asked: list[StepRecord] = []

    def answer(record: StepRecord) -> bool | None:
        asked.append(record)
        return is_slow(record)

    figures = WorkerFigures([dataclasses.replace(watch(), bad=answer)], ALWAYS)
    fast, slow, failed = checkout(11, took_s=0.4), checkout(11, took_s=0.400001), checkout(11, error="timeout")
    figures.steps_ended(batch(fast, slow, failed, checkout(11, error="blocked"), checkout(11, step="home")))
    assert asked == [slow, failed, checkout(11, error="blocked")]
    assert figures.take(START)["judged"] == {"checkout-latency": [2, 3, 4]}  # both of one session: two squared


def test_bad_requests_are_squared_by_session_until_it_has_ended() -> None:
    figures = WorkerFigures([watch()], ALWAYS)
    slow = {"took_s": 1.0}
    figures.steps_ended(batch(checkout(11, session=1, **slow), checkout(11, session=2, **slow)))
    assert figures.take(START)["judged"]["checkout-latency"] == [2, 2, 2]
    figures.steps_ended(batch(checkout(12, session=1, **slow)))
    figures.session_ended(session_record(session=1))
    assert figures.take(START)["judged"]["checkout-latency"] == [1, 1, 3]  # 1 became 4
    figures.steps_ended(batch(checkout(12, session=1, **slow)))  # its last, handed on late
    assert figures.take(START)["judged"]["checkout-latency"] == [1, 1, 5]
    figures.steps_ended(batch(checkout(13, session=1, **slow), checkout(13, session=2, **slow)))
    assert figures.take(START)["judged"]["checkout-latency"] == [2, 2, 4]  # 1 anew, and 1 became 4


def test_gauges_are_summed_and_the_busiest_generator_is_told() -> None:
    merged = board()
    change = WorkerFigures([], ALWAYS).take(START)
    orders = {"attempted": 5, "accepted": 3, "refused": 1, "unknown": 1}
    merged.merge("w0", change, gauges(open_sessions=2, started_total=7, dropped_total=1, orders=orders, cpu=0.4))
    merged.merge("w1", change, gauges(open_sessions=3, started_total=6, dropped_total=4, orders=orders, cpu=0.9))
    told = merged.snapshot(START + SECOND, "running").model_dump()
    assert (told["achieved"]["open_sessions"], told["achieved"]["sessions_total"]) == (5, 13)
    assert (told["dropped_total"], told["generator_cpu"], told["workers"]) == (5, 0.9, 2)
    assert {name: told["orders"][f"{name}_total"] for name in orders} == {k: 2 * v for k, v in orders.items()}


def test_a_worker_s_latest_gauges_replace_its_earlier_ones() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    merged.merge("w0", figures.take(START), gauges(started_total=3, open_sessions=3))
    merged.merge("w0", figures.take(START), gauges(started_total=5, open_sessions=1))
    told = merged.snapshot(START, "running").model_dump()["achieved"]
    assert (told["sessions_total"], told["open_sessions"]) == (5, 1)


@pytest.mark.parametrize(("sequence", "gaps"), [([1, 2, 3], 0), ([1, 3], 1), ([2], 1), ([1, 5, 6], 3)])
def test_a_change_that_was_lost_on_the_way_is_a_gap(sequence: list[int], gaps: int) -> None:
    merged, change = board(), WorkerFigures([], ALWAYS).take(START)
    for number in sequence:
        merged.merge("w0", {**change, "sequence": number}, gauges())
    assert merged.gaps == merged.snapshot(START + SECOND, "running").gaps == gaps


def test_each_worker_has_a_sequence_of_its_own() -> None:
    merged = board()
    for name in ("w0", "w1", "w2"):
        figures = WorkerFigures([], ALWAYS)
        for _ in range(3):
            merged.merge(name, figures.take(START), gauges())
    assert merged.gaps == 0


def test_a_snapshot_is_read_as_it_was_written() -> None:
    merged, figures = board(watch()), WorkerFigures([watch()], ALWAYS)
    figures.steps_ended(batch(checkout(11)))
    merged.merge("w0", figures.take(START), gauges())
    snapshot = merged.snapshot(START + 12 * SECOND, "running")
    told = json.loads(json.dumps(snapshot.model_dump(mode="json"), allow_nan=False))
    assert LiveDocument.model_validate({**told, "news": 1}) == snapshot
    assert told["steps"]["checkout"].keys() == {"requests_total", "errors_total", "latency"}
    assert told["steps"]["checkout"]["latency"].keys() == {"buckets", "sum", "count", "exemplars"}
    assert told["objectives"] == [{"name": "checkout-latency", "bad": 0, "total": 1, "certain_breach": False}]
    assert (told["format"], told["factor"], told["paused"]) == ("peakproof/live/v1", 1.0, False)


def test_a_snapshot_before_any_worker_spoke_knows_nothing_and_invents_nothing() -> None:
    told = board(watch()).snapshot(START - SECOND, "starting").model_dump()
    assert told["latency_s"] == {"p50": None, "p95": None, "p99": None}
    assert (told["lag_s"], told["generator_cpu"], told["workers"], told["steps"]) == ({"p99": None}, None, 0, {})
    assert (told["elapsed_s"], told["left_s"], told["phase"], told["sequence"]) == (0.0, 25.0, "warm-up", 1)


@pytest.mark.parametrize(
    ("at_s", "phase", "left_s", "planned"),
    [
        (0.0, "warm-up", 25.0, {"sessions_per_s": 2.0, "sessions_total": 0}),
        (2.0, "warm-up", 23.0, {"sessions_per_s": 2.0, "sessions_total": 2}),
        (10.0, "plateau", 15.0, {"sessions_per_s": 2.0, "sessions_total": 3}),
        (24.0, "drain", 1.0, {"sessions_per_s": 0.0, "sessions_total": 4}),
        (99.0, "drain", 0.0, {"sessions_per_s": 0.0, "sessions_total": 4}),
    ],
)
def test_a_snapshot_says_what_was_planned_by_now(
    at_s: float, phase: str, left_s: float, planned: dict[str, float]
) -> None:
    told = board().snapshot(START + round(at_s * SECOND), "running").model_dump()
    assert (told["phase"], told["left_s"], told["planned"]) == (phase, left_s, planned)


def test_snapshots_are_numbered() -> None:
    merged = board()
    assert [merged.snapshot(START, "running").model_dump()["sequence"] for _ in range(3)] == [1, 2, 3]


def test_recent_latency_forgets_after_10_seconds_and_totals_never() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    figures.steps_ended(batch(checkout(0, took_s=3.0)))
    merged.merge("w0", figures.take(START), gauges())
    told = [merged.snapshot(START + n * SECOND, "running").model_dump() for n in range(1, 12)]
    assert [one["latency_s"]["p50"] is not None for one in told] == [True] * 10 + [False]
    assert {one["achieved"]["requests_total"] for one in told} == {1}


def test_latency_is_told_from_the_scheduled_start() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    figures.steps_ended(batch(checkout(5, sent_at=START + 9 * SECOND, finished_at=START + 10 * SECOND)))
    merged.merge("w0", figures.take(START), gauges())
    told = merged.snapshot(START + 10 * SECOND, "running").model_dump()
    assert told["latency_s"]["p50"] == pytest.approx(5.0, rel=0.008)
    assert told["lag_s"]["p99"] == pytest.approx(4.0, rel=0.008)
    assert told["steps"]["checkout"]["latency"]["buckets"]["5.0"] in {0, 1}
    assert told["steps"]["checkout"]["latency"]["sum"] == 5.0


def test_rates_are_those_of_the_last_seconds() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    for second in range(1, 31):
        for _ in range(4):
            figures.steps_ended(batch(checkout(second, error="timeout" if second > 15 else None)))
        merged.merge("w0", figures.take(START), gauges(started_total=2 * second, orders={"accepted": second}))
        told = merged.snapshot(START + second * SECOND, "running").model_dump()
    assert told["achieved"]["sessions_per_s"] == 2.0
    assert told["achieved"]["requests_per_s"] == pytest.approx(4.0, rel=0.11)
    assert told["errors"]["per_s"] == pytest.approx(4.0, rel=0.11)
    assert told["orders"]["per_minute"] == pytest.approx(60.0)


def test_only_what_was_wanted_in_the_judged_window_is_judged() -> None:
    merged, figures = board(watch()), WorkerFigures([watch()], JUDGED)
    for at_s in (9.999999, 10.0, 19.999999, 20.0):
        figures.steps_ended(batch(checkout(at_s, took_s=1.0)))
    figures.steps_ended(batch(checkout(15, step="home", took_s=1.0)))
    figures.steps_ended(batch(checkout(15, error="blocked")))
    merged.merge("w0", figures.take(START), gauges())
    (told,) = merged.snapshot(START + 25 * SECOND, "running").model_dump()["objectives"]
    assert (told["bad"], told["total"]) == (2, 2)


def test_a_request_under_way_over_its_limit_is_bad_already() -> None:
    at = START + 12 * SECOND
    merged, figures = board(watch()), WorkerFigures([watch()], JUDGED, lambda: [("checkout", at), ("home", at)])
    for waited_ns, bad in ((0, 0), (4 * SECOND // 10, 0), (4 * SECOND // 10 + 1, 1)):
        change = figures.take(at + waited_ns)
        assert change["overdue"] == {"checkout-latency": bad}
    merged.merge("w0", change | {"sequence": 1}, gauges())
    (told,) = merged.snapshot(at + SECOND, "running").model_dump()["objectives"]
    assert (told["bad"], told["total"]) == (1, 1)


def test_a_request_that_was_overdue_and_ended_is_counted_once() -> None:
    in_flight = [("checkout", START + 12 * SECOND)]
    merged, figures = board(watch()), WorkerFigures([watch()], JUDGED, lambda: in_flight)
    merged.merge("w0", figures.take(START + 13 * SECOND), gauges())
    in_flight.clear()
    figures.steps_ended(batch(checkout(12, took_s=2.0)))
    merged.merge("w0", figures.take(START + 14 * SECOND), gauges())
    (told,) = merged.snapshot(START + 14 * SECOND, "running").model_dump()["objectives"]
    assert (told["bad"], told["total"]) == (1, 1)


@pytest.mark.parametrize("at_s", [9.9, 20.0])
def test_a_request_under_way_outside_the_judged_window_is_not_counted(at_s: float) -> None:
    figures = WorkerFigures([watch()], JUDGED, lambda: [("checkout", START + round(at_s * SECOND))])
    assert figures.take(START + 60 * SECOND)["overdue"] == {"checkout-latency": 0}


def test_availability_knows_nothing_of_a_request_before_it_ended() -> None:
    figures = WorkerFigures([watch(limit_s=None)], ALWAYS, lambda: [("checkout", START)])
    assert figures.take(START + 3600 * SECOND)["overdue"] == {"checkout-latency": 0}


def test_a_breach_is_certain_when_the_watch_says_so_of_the_sum_of_all_workers() -> None:
    merged = board(watch("first", enough=9), watch("second", enough=3))
    assert merged.certain_breach() is None
    for name, bad in (("w0", 1), ("w1", 1)):
        figures = WorkerFigures([watch("first"), watch("second")], ALWAYS)
        for _ in range(bad):
            figures.steps_ended(batch(checkout(11, took_s=1.0)))
        merged.merge(name, figures.take(START), gauges())
    assert merged.certain_breach() is None
    late = WorkerFigures([watch("first"), watch("second")], ALWAYS, lambda: [("checkout", START)])
    merged.merge("w2", late.take(START + SECOND), gauges())
    assert merged.certain_breach() == "second"
    told = merged.snapshot(START + SECOND, "running").model_dump()["objectives"]
    assert [one["certain_breach"] for one in told] == [False, True]


def test_after_a_revision_of_the_plan_nothing_is_certain_and_its_own_plan_is_due() -> None:
    merged = board(watch(enough=1))
    figures = WorkerFigures([watch()], ALWAYS)
    figures.steps_ended(batch(checkout(11, took_s=1.0)))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.certain_breach() == "checkout-latency"
    merged.revise(np.array([1.0, 5.0]), lambda _: 2.5)
    shown = merged.snapshot(START + 4 * SECOND, "running").model_dump()
    assert merged.certain_breach() is None
    assert [(one["bad"], one["certain_breach"]) for one in shown["objectives"]] == [(1, False)]
    assert shown["planned"] == {"sessions_per_s": 2.5, "sessions_total": 1}


def test_what_was_taken_is_not_told_again() -> None:
    figures = WorkerFigures([watch()], ALWAYS)
    figures.steps_ended(batch(checkout(11, error="timeout")))
    figures.session_ended(session_record(outcome="failed"))
    first, second = figures.take(START), figures.take(START)
    assert (first["sequence"], first["sessions"], first["errors"]) == (1, {"failed": 1}, [["checkout", "timeout", 1]])
    assert second == {
        "sequence": 2,
        "latency": {},
        "bytes": {},
        "errors": [],
        "sessions": {},
        "judged": {},
        "overdue": {"checkout-latency": 0},
        "within": [],
        "traced": [],
        "traced_errors": [],
        "lag": [0, []],
        "blocked_in_a_row": 0,
    }


def snapshot(*records: StepRecord, watches: Sequence[Watch] = ()) -> LiveDocument:
    merged, figures = board(*watches), WorkerFigures(watches, ALWAYS)
    for record in records:
        figures.steps_ended(batch(record))
    merged.merge("w0", json.loads(json.dumps(figures.take(START))), gauges())
    return merged.snapshot(START + SECOND, "running")


@pytest.mark.parametrize("limit_s", [0.4, 0.3995, 0.402, 0.33, 0.0004, 60.0])
def test_the_bucket_at_an_objective_s_limit_holds_exactly_what_took_no_longer(limit_s: float) -> None:
    ns = [round(limit_s * SECOND) + off for off in (-2_000_000, -1000, 0, 1, 1000, 2_000_000)]
    records = [checkout(1, took_s=0.0, finished_at=START + SECOND + took) for took in ns]
    latency = snapshot(*records, watches=[watch(limit_s=limit_s)]).steps["checkout"].latency
    assert latency.buckets[str(limit_s)] == 3
    counts = [count for _, count in sorted((float(bound), count) for bound, count in latency.buckets.items())]
    assert counts == sorted(counts)
    assert counts[-1] == latency.count == 6


def test_a_step_without_an_objective_has_the_usual_buckets() -> None:
    told = snapshot(checkout(1, step="home"), watches=[watch(limit_s=0.33)])
    assert [float(bound) for bound in told.steps["home"].latency.buckets] == [*PROMETHEUS_BOUNDS_S, float("inf")]


def trace(number: int, flags: str = "01") -> str:
    return f"00-{number:032x}-{number:016x}-{flags}"


def test_each_bucket_has_the_latest_traced_request_that_fell_into_it() -> None:
    records = [
        checkout(1, took_s=0.3, traceparent=trace(1)),
        checkout(2, took_s=0.35, traceparent=trace(2)),
        checkout(3, took_s=0.36, traceparent=trace(3, flags="00")),
        checkout(4, took_s=0.41, traceparent=trace(4)),
        checkout(5, took_s=99.0, traceparent=trace(5)),
    ]
    for watches in ((), [watch(limit_s=0.4)]):
        found = snapshot(*records, watches=watches).steps["checkout"].latency.exemplars
        assert {bucket: int(one.trace_id, 16) for bucket, one in found.items()} == {
            "0.3": 1, "0.4": 2, "0.5": 4, "+Inf": 5,
        }  # fmt: skip
    assert (found["0.4"].value, found["0.4"].at) == (0.35, START + 2_350_000_000)


def test_each_error_has_the_latest_traced_request_that_ended_in_it() -> None:
    told = snapshot(
        checkout(1, error="timeout", traceparent=trace(1)),
        checkout(2, error="timeout", traceparent=trace(2)),
        checkout(3, error="http_5xx", traceparent=trace(3, flags="00")),
    )
    assert {
        step: {error: int(one.trace_id, 16) for error, one in of_step.items()}
        for step, of_step in told.errors.exemplars.items()
    } == {"checkout": {"timeout": 2}}


def test_what_an_earlier_version_wrote_without_exemplars_is_read() -> None:
    told = snapshot(checkout(1)).model_dump()
    del told["errors"]["exemplars"], told["steps"]["checkout"]["latency"]["exemplars"]
    assert LiveDocument.model_validate(told).steps["checkout"].latency.exemplars == {}


def test_prometheus_bounds_include_the_shipped_limits() -> None:
    assert {0.25, 0.3, 0.4} <= set(PROMETHEUS_BOUNDS_S)


def test_assets_are_counted_and_judged_apart_but_hide_nobody_s_wait_and_no_lag() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    assets = [checkout(1, 0.001, step="asset", sent_at=START + 60 * SECOND) for _ in range(99)]
    figures.steps_ended(batch(checkout(1, took_s=2.0), *assets))
    merged.merge("w0", figures.take(START), gauges())
    told = merged.snapshot(START + SECOND, "running").model_dump()
    assert told["latency_s"]["p50"] == pytest.approx(2.0, rel=0.008)
    assert told["lag_s"]["p99"] == 0
    assert told["achieved"]["requests_total"] == told["achieved"]["requests_per_s"] == 100
    assert {step: one["requests_total"] for step, one in told["steps"].items()} == {"asset": 99, "checkout": 1}
