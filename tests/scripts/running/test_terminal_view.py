"""The live view says a snapshot in one line, or as a small table in a terminal."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.results.live_document import LiveDocument
from scripts.running.terminal_view import TerminalView, _below, line, read_snapshot, screen

WRITTEN: dict[str, Any] = {
    "format": "peakproof/live/v1",
    "sequence": 7,
    "at": 1_700_000_000_500_000_000,
    "run": "r",
    "gaps": 0,
    "started_at": 1_699_999_970_500_000_000,
    "phase": "plateau",
    "state": "running",
    "elapsed_s": 30.0,
    "left_s": 60.0,
    "planned": {"sessions_per_s": 11.5, "sessions_total": 300},
    "achieved": {
        "sessions_per_s": 11.0,
        "requests_per_s": 60.0,
        "sessions_total": 290,
        "requests_total": 1500,
        "open_sessions": 42,
    },
    "latency_s": {"p50": 0.1, "p95": 1.234, "p99": None},
    "errors": {"total": 5, "per_s": 0.5, "by_step": {"checkout": {"http_5xx": 3, "timeout": 2}}},
    "orders": {
        "attempted_total": 210,
        "accepted_total": 200,
        "refused_total": 9,
        "unknown_total": 1,
        "per_minute": 100.0,
    },
    "steps": {},
    "lag_s": {"p99": 0.004},
    "generator_cpu": 0.4,
    "dropped_total": 6,
    "workers": 2,
    "objectives": [
        {"name": "checkout-[bold]waits", "bad": 5, "total": 210, "certain_breach": True},
        {"name": "browse", "bad": 0, "total": 0, "certain_breach": False},
    ],
}


LIVE = LiveDocument.model_validate(WRITTEN)


def changed(**parts: Any) -> LiveDocument:
    return LiveDocument.model_validate({**WRITTEN, **parts})


def test_a_snapshot_is_one_line() -> None:
    assert line(LIVE) == (
        "   30 s  plateau    sessions/s  11.0 of  11.5 planned    60.0 requests/s"
        "  p50 100 ms  p95 1234 ms  p99    –    errors 5  orders/min 100  60 s left"
    )


def test_a_changed_plan_is_said(tmp_path: Path) -> None:
    assert line(changed(factor=0.0)).endswith("  60 s left  paused")
    assert line(changed(factor=1.25)).endswith("  60 s left  1.25 x the plan")
    assert line(changed(factor=1.0)) == line(LIVE)
    with (tmp_path / "screen").open("w") as file:
        console = Console(width=140, record=True, file=file)
        console.print(screen(changed(factor=0.0)))
    shown = [" ".join(row.split()) for row in console.export_text().splitlines()]
    assert "sessions/s 11.0 planned 11.5 paused 42 open, 290 of 300 due started" in shown


def test_below_it_stands_what_came_of_the_last_key_and_which_keys_there_are() -> None:
    told = changed(message="paused from second 12.0 on (the key p)")
    assert _below(told, "keys: q stop").plain == "paused from second 12.0 on (the key p)\nkeys: q stop"
    assert _below(LIVE, "keys: q stop").plain == "keys: q stop"
    assert _below(LIVE, "").plain == ""


def test_a_terminal_sees_the_same_as_a_table() -> None:
    console = Console(width=140, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - closed below
    console.print(screen(LIVE))
    console.file.close()
    shown = [" ".join(row.split()) for row in console.export_text().splitlines()]
    bar = "━" * 40
    assert shown == [
        f"phase plateau {bar} 60 s left",
        "sessions/s 11.0 planned 11.5 42 open, 290 of 300 due started",
        "requests/s 60.0 1500 sent 100 orders a minute",
        "latency p50 100 ms p95 1234 ms p99 – from the scheduled start, last 10 s",
        "errors 5 0.5 a second checkout http_5xx 3, checkout timeout 2",
        "checkout-[bold]waits 2.38% 5 bad of 210 certain to be missed",
        "browse 0.00% 0 bad of 0",
    ]


def test_without_a_terminal_a_line_is_said_every_ten_seconds_and_at_each_phase() -> None:
    said: list[str] = []
    with TerminalView(said.append, is_terminal=False) as view:
        for elapsed, phase in [(0, "ramp"), (5, "ramp"), (9, "ramp"), (10, "ramp"), (11, "plateau"), (20, "plateau")]:
            view.show(changed(elapsed_s=float(elapsed), phase=phase))
    assert [text.split()[0] + " " + text.split()[2] for text in said] == ["0 ramp", "10 ramp", "11 plateau"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}"])
def test_a_snapshot_that_is_not_there_or_none_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "live.json"
    assert read_snapshot(path) is None
    path.write_text(text)
    assert read_snapshot(path) is None
