"""Replies of a firewall are seen while a run goes on, and end it before they are all it measures."""

import pytest

from loadtests.live.board import why_blocked
from loadtests.live.worker_figures import WorkerFigures
from tests.loadtests.fakes import SECOND, batch
from tests.loadtests.live.test_board import ALWAYS, START, board, checkout, gauges


@pytest.mark.parametrize(
    ("replies", "blocked", "in_a_row", "told"),
    [
        (1000, 11, 1, "11 of 1000 replies in the last 10 s"),
        (1000, 10, 19, None),  # 1 % is not over it
        (20, 4, 4, None),  # too few to tell a share from
        (20, 5, 5, "5 of 20 replies in the last 10 s"),
        (100_000, 20, 20, "20 replies in a row"),
        (0, 0, 0, None),
    ],
)
def test_over_one_percent_blocked_or_twenty_in_a_row_ends_a_run(
    replies: int, blocked: int, in_a_row: int, told: str | None
) -> None:
    why = "blocked by a firewall or rate limit before the shop: {}; let the generator's address through"
    assert why_blocked(replies, blocked, in_a_row) == (told and why.format(told))


def test_blocked_replies_are_counted_over_the_last_ten_seconds_alone() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    for _ in range(5):
        figures.steps_ended(batch(checkout(1, error="blocked")))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.blocked() is not None
    for second in range(11):
        figures.steps_ended(batch(checkout(1)))
        merged.merge("w0", figures.take(START), gauges())
        merged.snapshot(START + second * SECOND, "running")
    assert merged.blocked() is None


def test_what_fails_at_the_proxy_ends_a_run_too_and_is_told_from_a_firewall() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    figures.steps_ended(batch(*[checkout(1, error=error) for error in ["blocked"] * 9 + ["proxy"] * 10]))
    merged.merge("w0", figures.take(START), gauges())
    told = "failed at the proxy before the shop: {}; check in its log that it admits this machine and reaches the shop"
    assert merged.blocked() == told.format("19 of 19 replies in the last 10 s")
    figures.steps_ended(batch(checkout(1, error="proxy")))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.blocked() == told.format("20 replies in a row")


def test_blocked_replies_in_a_row_are_counted_across_what_was_taken() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    for error in [None] * 5000 + ["blocked"] * 19:
        figures.steps_ended(batch(checkout(1, error=error)))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.blocked() is None
    figures.steps_ended(batch(checkout(1, error="blocked")))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.blocked() is not None
    assert "20 replies in a row" in str(merged.blocked())


def test_a_firewall_that_takes_assets_is_seen_among_all_replies() -> None:
    merged, figures = board(), WorkerFigures([], ALWAYS)
    figures.steps_ended(batch(*[checkout(1, step="cdn-asset", error="blocked" if n % 50 else None) for n in range(5)]))
    merged.merge("w0", figures.take(START), gauges())
    assert merged.blocked() is None
    blocked = [checkout(1, step="cdn-asset", error=None if n % 2 else "blocked") for n in range(20)]
    figures.steps_ended(batch(*blocked))
    merged.merge("w0", figures.take(START), gauges())
    assert "14 of 25 replies" in str(merged.blocked())
