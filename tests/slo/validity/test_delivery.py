"""What was due, what came in time and what is left out is counted from the records."""

import pyarrow as pa

from slo.objectives.indicators import Window
from slo.validity.delivery import Delivered, delivered, left_out
from slo.verdict.verdict import Case

SECOND = 1_000_000_000


def test_the_load_is_counted_from_the_records() -> None:
    window = Window(starts_at=100 * SECOND, ends_at=200 * SECOND)
    sessions = pa.table(
        {
            "scheduled_at": pa.array([99, 100, 120, 150, 180, 200], pa.int64()),
            "started_at": pa.array([99, 101, 122, 0, 180, 200], pa.int64()),
        }
    )
    seconds = pa.table(
        {
            **{name: pa.array([v * SECOND for v in sessions[name].to_pylist()]) for name in sessions.column_names},
            "journey": ["buy", "buy", "look", "buy", "buy", "buy"],
            "outcome": pa.array(["completed", "completed", "failed", "failed", "completed", "failed"]),
            "reason": pa.array(["data_exhausted", None, "data_exhausted", "data_exhausted", "data_exhausted", None]),
        }
    )
    requests = pa.table(
        {
            "scheduled_at": pa.array([at * SECOND for at in (98, 99, 99, 100, 120, 150, 150)], pa.int64()),
            "error": pa.array(
                ["no_descriptor", "blocked", "proxy", "blocked", "proxy", "cut_off", "no_port"], pa.string()
            ),
        }
    )
    assert delivered(seconds, requests, window, frozenset({"buy"})) == Delivered(
        due=4,
        on_time=2,
        requests=4,
        blocked=1,
        at_proxy=1,
        cut_off=1,
        session_rows=6,
        request_rows=7,
        no_descriptor=1,
        no_port=1,
        buyers=2,  # one never started
        unserved=1,
        failed_journeys={"look": 1},
    )


def test_what_is_left_out_is_counted_by_phase(passing: Case) -> None:
    run = passing.run
    window = run.judged_window
    assert window is not None
    at = pa.array([50 * SECOND, 60 * SECOND, 150 * SECOND, 300 * SECOND], pa.int64())
    assert left_out(pa.table({"scheduled_at": at}), run, window) == {"warm-up": 2, "outside of every phase": 1}
