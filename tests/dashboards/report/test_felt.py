"""What the shopper felt, by step and minute: figures of the records, marked where an objective allows less."""

from pathlib import Path

import numpy as np
import pytest

from dashboards.charts.heat import EDGES_S, SHADES, Cell, HeatGrid, heat, shade
from dashboards.formatting import count, elapsed, seconds
from dashboards.report import write_report
from dashboards.report.felt import Felt, Limit, StepOverTime, felt, stretch_s
from dashboards.report.records_query import Store, Stretch
from dashboards.report.run_files import read
from tests.dashboards.made import SECOND, START, STEPS, Made
from tests.dashboards.page import read_page


@pytest.fixture(scope="module")
def shown(failed: Made) -> Felt:
    reading = read(failed.path)
    store = Store(reading)
    found = felt(reading, store)
    store.close()
    return found


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_its_quantiles_in_each_stretch(failed: Made, shown: Felt, step: str) -> None:
    (line,) = [one for one in shown.steps if one.step == step]
    by_stretch: dict[int, list[float]] = {}
    for request in failed.requests:
        if request["step"] == step and request["scheduled_at"] < shown.time.ends_at:
            index = (request["scheduled_at"] - START) // (shown.time.bin_s * SECOND)
            by_stretch.setdefault(index, []).append((request["finished_at"] - request["scheduled_at"]) / SECOND)
    assert {one.index: one.requests for one in line.stretches} == {k: len(v) for k, v in by_stretch.items()}
    for one in line.stretches:
        expected = np.quantile(by_stretch[one.index], (0.5, 0.95, 0.99), method="inverted_cdf")
        assert one.quantiles_s == pytest.approx(expected)


def test_a_stretch_is_marked_where_more_were_over_the_limit_than_allowed(failed: Made, shown: Felt) -> None:
    (line,) = [one for one in shown.steps if one.step == "checkout"]
    for one in line.stretches:
        since = START + one.index * shown.time.bin_s * SECOND
        times = [
            (r["finished_at"] - r["scheduled_at"]) / SECOND
            for r in failed.requests
            if r["step"] == "checkout" and since <= r["scheduled_at"] < since + shown.time.bin_s * SECOND
        ]
        over = sum(value > 1.5 for value in times)
        assert (one.over, line.is_over(one)) == (over, over > 0.05 * len(times))
    assert {line.is_over(one) for one in line.stretches} == {True, False}


@pytest.mark.parametrize(("target", "requests"), [(0.9, 10), (0.8, 5), (0.99, 100), (0.999, 1000)])
def test_as_many_over_the_limit_as_are_allowed_are_not_marked(target: float, requests: int) -> None:
    def over(count: int) -> bool:
        stretch = Stretch(index=0, requests=requests, errors=0, over=count, quantiles_s=None)
        limit = Limit(threshold_s=0.3, target=target)
        return StepOverTime(step="cart", limit=limit, stretches=[stretch]).is_over(stretch)

    assert (over(1), over(2)) == (False, True)


def test_a_step_without_a_limit_is_never_marked(shown: Felt) -> None:
    (line,) = [one for one in shown.steps if one.step == "cart"]
    assert line.limit is None
    assert [one for one in line.stretches if line.is_over(one)] == []


def test_the_page_tells_each_step_s_slowest_stretch_and_every_stretch_below(failed: Made, shown: Felt) -> None:
    text = read_page(write_report(failed.path)).text
    for step in shown.steps:
        worst = step.worst
        assert worst is not None
        assert worst.quantiles_s is not None
        p50, p95, p99 = map(seconds, worst.quantiles_s)
        since = elapsed(worst.index * shown.time.bin_s)
        assert f"{step.step} slowest from {since}: p50 {p50}, p95 {p95}, p99 {p99}" in text
        assert f"{since} {count(worst.requests)} {p50} {p95} {p99}" in text


@pytest.mark.parametrize(
    ("length_s", "said"),
    [(0, 1), (13, 1), (141, 15), (599, 60), (600, 60), (3600, 60), (7200, 60), (14_400, 120), (1_000_000, 8334)],
)
def test_a_run_is_shown_by_the_minute_where_that_suits_its_length(length_s: float, said: int) -> None:
    assert stretch_s(length_s) == said


def test_shades_stand_for_fixed_times() -> None:
    assert [shade(edge) for edge in EDGES_S] == [0, 1, 2, 3, 4]
    assert [shade(edge * 1.01) for edge in EDGES_S] == [1, 2, 3, 4, 5]
    assert list(SHADES) == sorted(set(SHADES))
    assert len(SHADES) == len(EDGES_S) + 1


@pytest.mark.parametrize(("width", "said"), [(1040, "892 ▲×"), (500, "▲×"), (350, "▲"), (100, "▲")])
def test_a_cell_holds_as_much_as_has_room(width: int, said: str) -> None:
    cell = Cell(row="pay", start_s=0, value_s=0.892, label="892", marks="▲×", hint="")
    spec = heat(HeatGrid(rows=["pay"], cells=[cell], length_s=1200, stretch_s=60), width)
    assert spec["data"]["values"][0]["text"] == said


def test_a_stretch_without_an_answer_has_no_shade() -> None:
    cell = Cell(row="pay", start_s=0, value_s=None, label="", marks="×", hint="")
    spec = heat(HeatGrid(rows=["pay"], cells=[cell], length_s=60, stretch_s=60), 1040)
    assert (spec["data"]["values"][0]["tint"], spec["data"]["values"][0]["text"]) == (0, "×")


def test_a_run_without_requests_says_so(tmp_path: Path) -> None:
    text = read_page(write_report(tmp_path)).text
    part = text[text.index("What the shopper felt") :]
    assert "No record of a request could be read." in part[:300]


@pytest.mark.parametrize(
    ("requests", "errors", "said"), [(100, 0, False), (100, 1, True), (101, 1, False), (1, 1, True), (0, 0, False)]
)
def test_a_stretch_is_marked_where_one_of_a_hundred_ended_in_error(requests: int, errors: int, said: bool) -> None:  # noqa: FBT001
    stretch = Stretch(index=0, requests=requests, errors=errors, over=0, quantiles_s=None)
    assert StepOverTime.has_errors(stretch) is said
