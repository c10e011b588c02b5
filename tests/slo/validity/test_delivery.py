"""What was due, what came in time and what is left out is counted from the records."""

import pyarrow as pa

from slo.objectives.indicators import Window
from slo.validity.delivery import Delivered, JourneyRequests, StepRequests, delivered, left_out
from slo.verdict.verdict import Case
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000


WINDOW = Window(starts_at=100 * SECOND, ends_at=200 * SECOND)


def _sessions(*rows: tuple[int, str, float, float, str, str | None]) -> pa.Table:
    """Return sessions of (number, journey, scheduled, started, outcome, reason), in seconds."""
    number, journey, scheduled_at, started_at, outcome, reason = zip(*rows, strict=True)
    return pa.table(
        {
            "session": pa.array(number, pa.int64()),
            "journey": pa.array(journey, pa.string()),
            "scheduled_at": pa.array([round(at * SECOND) for at in scheduled_at], pa.int64()),
            "started_at": pa.array([round(at * SECOND) for at in started_at], pa.int64()),
            "outcome": pa.array(outcome, pa.string()),
            "reason": pa.array(reason, pa.string()),
        }
    )


def _requests(*rows: tuple[int, str, str, float, float, str | None]) -> RequestTable:
    """Return requests of (session, journey, step, scheduled, waited, error), in seconds."""
    session, journey, step, at, waited, error = zip(*rows, strict=True)
    starts = [round(one * SECOND) for one in at]
    return RequestTable(
        table=pa.table(
            {
                "session": pa.array(session, pa.int64()),
                "journey": pa.array(journey, pa.string()),
                "step": pa.array(step, pa.string()),
                "scheduled_at": pa.array(starts, pa.int64()),
                "sent_at": pa.array(starts, pa.int64()),
                "finished_at": pa.array([s + round(w * SECOND) for s, w in zip(starts, waited, strict=True)]),
                "error": pa.array(error, pa.string()),
            }
        )
    )


def test_the_load_is_counted_from_the_records() -> None:
    sessions = _sessions(
        (0, "buy", 99, 99, "completed", "data_exhausted"),
        (1, "buy", 100, 101, "completed", None),
        (2, "look", 120, 122, "failed", "home: proxy"),
        (3, "buy", 150, 0, "dropped", "open_sessions"),
        (4, "buy", 180, 180, "completed", "data_exhausted"),
        (5, "buy", 200, 200, "failed", None),
    )
    requests = _requests(
        (0, "buy", "home", 98, 0, "no_descriptor"),
        (0, "buy", "home", 99, 0, "blocked"),
        (0, "buy", "home", 99, 0, "proxy"),
        (1, "buy", "home", 100, 0, None),
        (1, "buy", "cart", 210, 0, "blocked"),
        (2, "look", "home", 120, 0, "proxy"),
        (4, "buy", "home", 150, 0, "cut_off"),
        (4, "buy", "home", 150, 0, "no_port"),
    )
    found = delivered(RequestTable(table=requests.table, sessions=sessions), WINDOW, frozenset({"buy"}))
    assert found == Delivered(
        due=4,
        on_time=2,
        steps={"home": StepRequests(requests=4, at_proxy=1, cut_off=1, unsent=1)},
        journeys={
            "buy": JourneyRequests(
                sessions=1,
                completed=1,
                requests={"cart": 1, "home": 1},
                requests_of_completed={"cart": 1, "home": 1},
            ),
            "look": JourneyRequests(
                sessions=1,
                completed=0,
                requests={"home": 1},
                requests_of_completed={},
                broken_off={"home: proxy": 1},
            ),
        },
        session_rows=6,
        request_rows=8,
        no_descriptor=1,
        no_port=1,
        buyers=2,  # one never started
        unserved=1,
        failed_journeys={"look": 1},
    )
    assert found.all_steps is not None
    assert found.all_steps.reached == 2


def test_what_ended_early_says_nothing_but_of_a_shop_that_hangs_or_refuses() -> None:
    """A session that the run's end cuts off had no time; one whose request had waited 10 s then had."""
    sessions = _sessions(
        (0, "buy", 150, 150, "completed", None),
        (1, "buy", 190, 190, "cut_off", None),
        (2, "buy", 190, 190, "cut_off", None),
        (3, "buy", 150, 150, "completed", "out_of_stock"),
        (4, "buy", 150, 150, "completed", "sold_out"),
        (5, "buy", 150, 150, "completed", "cart_full"),
        (6, "buy", 150, 150, "dropped", "ceiling_orders"),
    )
    requests = _requests(
        (0, "buy", "cart", 151, 0, None),
        (1, "buy", "cart", 199, 9.9, "cut_off"),
        (2, "buy", "cart", 199, 10, "cut_off"),
        (3, "buy", "cart", 151, 0, None),
    )
    found = delivered(RequestTable(table=requests.table, sessions=sessions), WINDOW, frozenset({"buy"}))
    assert found.journeys == {
        "buy": JourneyRequests(
            sessions=4,
            completed=1,
            requests={"cart": 2},
            requests_of_completed={"cart": 1},
            broken_off={"cart_full": 1, "ceiling_orders": 1, "cut_off": 1},
        )
    }
    assert found.steps == {"cart": StepRequests(requests=4, cut_off=2, hung=1)}


def test_what_is_left_out_is_counted_by_phase(passing: Case) -> None:
    run = passing.run
    window = run.judged_window
    assert window is not None
    at = pa.array([50 * SECOND, 60 * SECOND, 150 * SECOND, 300 * SECOND], pa.int64())
    requests = pa.table({"scheduled_at": at, "step": ["home"] * 4, "error": pa.nulls(4, pa.string())})
    assert left_out(RequestTable(table=requests), run, window) == {"warm-up": 2, "outside of every phase": 1}
