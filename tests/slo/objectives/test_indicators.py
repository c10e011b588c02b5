"""What a good request is, by the load generator's own records."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.design_effect import StepCounts
from slo.objectives.indicators import Availability, Evidence, Latency, Window
from slo.objectives.sources import Clock, Records
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000
MS = 1_000_000
WINDOW = Window(starts_at=100 * SECOND, ends_at=200 * SECOND)
SCHEMA = pa.schema(
    [
        ("session", pa.int64()),
        ("step", pa.string()),
        ("scheduled_at", pa.int64()),
        ("sent_at", pa.int64()),
        ("finished_at", pa.int64()),
        ("error", pa.string()),
    ]
)
NO_ANSWERS = pa.table({})
CHECKOUT = Records(steps=("checkout",))


def _request(
    wait_ms: int = 100, error: str | None = None, *, at_s: float = 150.0, late_ms: int = 0, step: str = "checkout"
) -> dict[str, Any]:
    at = int(at_s * SECOND)
    return {
        "step": step,
        "scheduled_at": at,
        "sent_at": at + late_ms * MS,
        "finished_at": at + wait_ms * MS,
        "error": error,
    }


def _read(indicator: Availability | Latency, *requests: dict[str, Any], quantile: float = 0.95) -> Evidence:
    """Read requests, each of a session of its own unless it says which."""
    rows = [{"session": number, **request} for number, request in enumerate(requests)]
    table = pa.Table.from_pylist(rows, SCHEMA)
    return indicator.read(RequestTable(table=table), NO_ANSWERS, WINDOW, quantile)


def _latency(clock: Clock = "scheduled", *steps: str) -> Latency:
    return Latency(source=Records(steps=steps or ("checkout",), clock=clock), threshold_s=0.4)


@pytest.mark.parametrize(
    ("wait_ms", "error", "available", "quick"),
    [
        (100, None, False, False),
        (400, None, False, False),
        (401, None, False, True),
        (5, "http_5xx", True, True),
        (900, "timeout", True, True),
        (100, "cut_off", None, None),
        (900, "cut_off", None, True),
        (9_999, "cut_off", None, True),
        (10_000, "cut_off", True, True),
        (900, "blocked", None, None),
        (900, "proxy", None, None),
    ],
)
def test_one_request_is_good_bad_or_left_out(
    wait_ms: int,
    error: str | None,
    available: bool | None,  # noqa: FBT001 - a column of the table
    quick: bool | None,  # noqa: FBT001 - the same
) -> None:
    """The two last columns tell whether it is *bad*, None when it is left out; the table reading agrees."""
    row = _request(wait_ms, error)
    times = {name: row[name] for name in ("scheduled_at", "sent_at", "finished_at")}
    for indicator, bad in ((Availability(source=CHECKOUT), available), (_latency(), quick)):
        assert indicator.bad(error=error, **times) is bad
        evidence = _read(indicator, row, _request())
        assert (evidence.events, evidence.bad) == ((1, 0) if bad is None else (2, int(bad)))
        assert evidence.left_out == (1 if bad is None else 0)


def test_the_clock_starts_when_the_shopper_wanted_it_or_at_the_send() -> None:
    late = _request(500, late_ms=200)
    assert _read(_latency("scheduled"), late).bad == 1
    assert _read(_latency("sent"), late).bad == 0
    assert _latency("sent").bad(error=None, scheduled_at=0, sent_at=200 * MS, finished_at=500 * MS) is False


def test_judged_are_requests_scheduled_from_the_start_and_before_the_end() -> None:
    rows = [_request(at_s=at) for at in (99.999, 100.0, 199.999, 200.0)]
    assert _read(Availability(source=CHECKOUT), *rows).events == 2


def test_a_request_that_ends_after_the_window_is_judged() -> None:
    assert _read(_latency(), _request(5000, at_s=199.0)).bad == 1


def test_steps_are_counted_apart_and_other_steps_not_at_all() -> None:
    rows = [_request(step="home"), _request(step="search", error="http_5xx"), _request(step="cart", error="timeout")]
    evidence = _read(Availability(source=Records(steps=("home", "search", "product"))), *rows)
    here = tuple(int(block == 10) for block in range(20))
    assert evidence.counts == (
        StepCounts(step="home", events=here, bad=(0,) * 20),
        StepCounts(step="search", events=here, bad=here),
    )


def test_the_quantile_is_told_on_both_clocks() -> None:
    rows = [_request(100 + number, late_ms=50) for number in range(20)]
    evidence = _read(_latency(), *rows)
    assert (evidence.quantile_s, evidence.service_quantile_s) == (0.118, 0.068)


def test_a_failed_request_waits_for_ever_in_the_quantile() -> None:
    """So the quantile is within the limit exactly when enough requests were good."""
    rows = [_request(100)] * 19 + [_request(1, "http_5xx")]
    assert _read(_latency(), *rows).quantile_s == 0.1
    assert _read(_latency(), *rows, _request(1, "http_5xx")).quantile_s is None
    assert _read(_latency(), *rows).failed == 1


def test_the_quantile_is_at_least_what_those_that_were_cut_off_had_waited_until_then() -> None:
    """A run that is stopped early cuts off its slowest requests: how long they would have taken nobody knows."""
    finished, cut_off = [_request(500)] * 9, [_request(600, "cut_off"), _request(700, "cut_off")]
    evidence = _read(_latency(), *finished, *cut_off)
    assert (evidence.quantile_s, evidence.quantile_at_least_s) == (None, 0.7)
    failed = _read(_latency(), *finished, *cut_off, _request(1, "http_5xx"))
    assert (failed.quantile_s, failed.quantile_at_least_s) == (None, None)
    known = _read(_latency(), *finished * 5, *cut_off)
    assert (known.quantile_s, known.quantile_at_least_s) == (0.5, 0.5)


@given(
    st.lists(st.tuples(st.integers(0, 800), st.booleans()), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95])
)
def test_the_quantile_is_within_the_limit_exactly_when_enough_are_good(
    waits: list[tuple[int, bool]], target: float
) -> None:
    evidence = _read(_latency(), *(_request(ms, "timeout" if bad else None) for ms, bad in waits), quantile=target)
    within = evidence.quantile_s is not None and evidence.quantile_s <= 0.4
    assert within == (evidence.events - evidence.bad >= round(target * evidence.events, 9))


def test_nothing_to_judge_is_no_data() -> None:
    assert _read(_latency()).no_data == "no judged request of checkout in the window"
    told = _read(_latency(), _request(error="blocked")).no_data
    assert told == "no judged request of checkout in the window (1 left out)"


def test_a_window_must_hold_time() -> None:
    with pytest.raises(ValueError, match=r"^a window must end after it starts, found 5 to 5$"):
        Window(starts_at=5, ends_at=5)


def _scatter(*sessions: tuple[int, int], step: str = "checkout") -> float | None:
    """Return the scatter of sessions that each have so many requests, so many of them bad."""
    rows = [
        {**_request(error="timeout" if place < bad else None, step=step), "session": number}
        for number, (events, bad) in enumerate(sessions)
        for place in range(events)
    ]
    return _read(Availability(source=CHECKOUT), *rows).session_scatter


def test_sessions_whose_every_request_is_bad_scatter_as_much_as_they_have_requests() -> None:
    assert _scatter(*[(8, 8)] * 5, *[(8, 0)] * 15) == pytest.approx(8.0)
    assert _scatter(*[(8, 2)] * 20) == pytest.approx(0.0)
    assert _scatter(*[(1, 1)] * 5, *[(1, 0)] * 15) == pytest.approx(1.0)


def test_without_a_bad_or_without_a_good_request_sessions_say_nothing() -> None:
    assert _scatter((3, 0), (4, 0)) is None
    assert _scatter((3, 3), (4, 4)) is None


def test_the_scatter_of_sessions_is_about_each_step_s_own_mean() -> None:
    """Sessions that go on to the step that fails are not clusters by that."""
    steps = Availability(source=Records(steps=("home", "checkout")))
    rows = [{**_request(step="home"), "session": number} for number in range(40)]
    rows += [
        {**_request(step="checkout", error="timeout" if number % 2 else None), "session": number}
        for number in range(20)
    ]
    assert _read(steps, *rows).session_scatter == pytest.approx(1.0)
