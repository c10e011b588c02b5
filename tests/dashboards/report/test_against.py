"""Two runs side by side: figures of both, their differences by step, and what can't be compared. Never a verdict."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboards.formatting import count, percent, seconds
from dashboards.report import write_comparison
from dashboards.report.comparability import unlike
from dashboards.report.differences import headlines, order_differences, step_differences
from dashboards.report.records_query import Step
from dashboards.report.run_files import read
from slo.documents import BadInput
from tests.dashboards.made import SECOND, Made
from tests.dashboards.page import Read, read_page
from tests.dashboards.synthetic import make


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("passed"), "PASS", seed=8)


@pytest.fixture(scope="module")
def page(failed: Made, passed: Made) -> Read:
    return read_page(write_comparison(failed.path, passed.path))


@pytest.fixture
def other(passed: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(passed.path, tmp_path / passed.path.name))


def changed(path: Path, change: Mapping[str, Any]) -> Path:
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**document, **change}))
    return path


def words(here: Path, there: Path) -> str:
    return read_page(write_comparison(here, there)).text


def p95(made: Made, step: str) -> float:
    times = [
        (request["finished_at"] - request["scheduled_at"]) / SECOND
        for request in made.judged_requests()
        if request["step"] == step
    ]
    return float(np.quantile(times, 0.95, method="inverted_cdf"))


def step(name: str, *quantiles_s: float, errors: int = 0) -> Step:
    quantiles = (quantiles_s[0], quantiles_s[1], quantiles_s[2]) if quantiles_s else None
    return Step(
        step=name, requests=100, errors=errors, cut_off=0, quantiles_s=quantiles, service_p95_s=None, errors_by_word={}
    )


def test_the_greatest_difference_comes_first_with_the_figures_of_both_records(
    failed: Made, passed: Made, page: Read
) -> None:
    here, there = p95(failed, "checkout"), p95(passed, "checkout")
    said = f"checkout: p95 {seconds(here)} here, {seconds(there)} there, {seconds(here - there)} slower"
    assert f"Two runs {said} ({count(round(here / there, 1))} times); errors " in page.text


def test_every_step_stands_with_the_requests_and_the_errors_of_both(failed: Made, passed: Made, page: Read) -> None:
    numbers = [sum(r["step"] == "checkout" for r in made.judged_requests()) for made in (failed, passed)]
    row = page.text[page.text.index(f"checkout {count(numbers[0])} there {count(numbers[1])}") :]
    bad = [
        sum(r["step"] == "checkout" and r["error"] is not None for r in made.judged_requests())
        for made in (failed, passed)
    ]
    shown = [percent(one / number) for one, number in zip(bad, numbers, strict=True)]
    assert f"{shown[0]} there {shown[1]}" in row[:400]
    assert "points more" in row[:400]


def test_the_page_says_that_it_is_no_verdict_and_whose_verdicts_it_shows(page: Read) -> None:
    assert "Is it sure? No. This page is no verdict" in page.text
    assert "Here ✕ FAIL checkout answers in time for too few shoppers" in page.text
    assert "There ✓ PASS every objective was shown to hold" in page.text


def test_evidence_that_is_not_whole_is_named_at_its_own_run_alone(failed: Made, other: Path) -> None:
    text = read_page(write_comparison(failed.path, other, other_flaws=[("audit.json", "missing: x")])).text
    assert "Here ✕ FAIL checkout answers in time for too few shoppers" in text
    assert "There – NOT JUDGED No verdict is shown: its evidence isn't whole: audit.json: missing: x." in text
    assert text.count("audit.json missing: x") == 1


def test_both_sides_have_the_same_scales(failed: Made, other: Path) -> None:
    document = json.loads((other / "run.json").read_text())
    changed(other, {"phases": document["phases"][:4], "ended_at": document["phases"][3]["ends_at"]})
    page = read_page(write_comparison(failed.path, other))
    labels = [element.attributes.get("aria-label", "") for element in page.elements]
    scales = [label.rpartition(", to ")[2] for label in labels if label.startswith("Checkout answers in time")]
    assert len(scales) == 2
    assert scales[0] == scales[1]


def test_orders_of_both_runs_are_counted(failed: Made, passed: Made, page: Read) -> None:
    here, there = len(failed.sessions), len(passed.sessions)
    apart = f"{count(abs(here - there))} {'more' if here > there else 'fewer'}"
    assert (
        f"attempted {count(here)} {count(there)} {apart} accepted {count(here - 31)} {count(there - 31)}" in page.text
    )


def test_orders_of_a_run_that_was_not_completed_have_no_difference(failed: Made, other: Path) -> None:
    said = words(failed.path, changed(other, {"ended": "aborted"}))
    table = said[said.index("Of the whole run") :]
    assert [word for word in ("fewer", "more") if word in table[:200]] == []


def test_a_run_against_itself_is_refused(passed: Made) -> None:
    with pytest.raises(BadInput, match=r"is the same run as .*: name another to hold it against$"):
        write_comparison(passed.path, passed.path)


def test_a_run_without_a_judged_request_is_refused(passed: Made, other: Path) -> None:
    for part in other.glob("requests-*.parquet"):
        part.unlink()
    with pytest.raises(BadInput, match=r"holiday-peak-0008: has no judged request to compare$"):
        write_comparison(passed.path.parent / passed.path.name, other)


def test_another_plan_names_no_difference_and_says_why(failed: Made, other: Path) -> None:
    changed(other, {"plan": {"name": "smoke", "sha256": "ab" * 32}})
    said = words(failed.path, other)
    assert "They can't be compared figure by figure" in said
    assert "Why they can't be compared plan holiday-peak (5f5f5f5f5f5f) here, smoke (abababababab) there" in said
    table = said[said.index("Differences by step") : said.index("What the shopper felt")]
    assert [word for word in ("slower", "quicker", "points") if word in table] == []


def test_a_plan_changed_while_it_was_played_names_no_difference(failed: Made, other: Path) -> None:
    changed(other, {"plan_revisions": [{"number": 1, "at_s": 20.0, "factor": 0.5}]})
    said = words(failed.path, other)
    assert "load as planned here, changed 1 time there: the load was changed while it was played" in said
    assert "slower" not in said


UNLIKE: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    ("version", lambda run: run | {"peakproof": "0.2.0"}, "Peakproof 0.1.0 here, 0.2.0 there"),
    ("no version", lambda run: run | {"peakproof": None}, "Peakproof 0.1.0 here, – there"),
    (
        "environment",
        lambda run: run | {"environment": run["environment"] | {"name": "load"}},
        "environment staging here, load there",
    ),
    (
        "size",
        lambda run: run | {"environment": run["environment"] | {"fingerprint": {"replicas": 4}}},
        "environment's replicas 2 here, 4 there",
    ),
    ("end", lambda run: run | {"ended": "aborted"}, "end completed here, aborted there"),
    ("seed", lambda run: run | {"seed": 1}, "seed 20261127 here, 1 there"),
]


@pytest.mark.parametrize(("change", "said"), [(c, s) for _, c, s in UNLIKE], ids=[name for name, *_ in UNLIKE])
def test_what_two_runs_do_not_have_in_common_is_named(
    failed: Made, other: Path, change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    (other / "run.json").write_text(json.dumps(change(json.loads((other / "run.json").read_text()))))
    told = [f"{one.what} {one.here} here, {one.there} there" for one in unlike(read(failed.path), read(other))]
    assert said in told


def test_alike_runs_have_nothing_to_be_kept_in_mind(failed: Made, passed: Made) -> None:
    assert unlike(read(failed.path), read(passed.path)) == []


def test_only_the_time_that_both_played_is_compared(failed: Made, passed: Made, other: Path) -> None:
    verdict = json.loads((other / "verdict.json").read_text())
    verdict["judged"]["ends_at"] = verdict["judged"]["starts_at"] + 20 * SECOND
    (other / "verdict.json").write_text(json.dumps(verdict))
    said = words(failed.path, other)
    requests = [
        sum(
            made.judged[0] <= r["scheduled_at"] < made.judged[0] + 20 * SECOND
            for r in made.requests
            if r["step"] == "cart"
        )
        for made in (failed, passed)
    ]
    assert "The first 20 s of the judged time" in said
    assert f"cart {requests[0]} there {requests[1]}" in said


def test_a_difference_below_a_twentieth_is_called_about_the_same() -> None:
    (one,) = step_differences([step("cart", 0.1, 0.2, 0.3)], [step("cart", 0.097, 0.21, 0.1)], named=True)
    assert [figure.words for figure in one.figures] == [
        "about the same",
        "about the same",
        "200 ms slower (3 times)",
        "the same",
    ]


def test_what_took_no_time_before_is_slower_and_not_so_many_times() -> None:
    (one,) = step_differences([step("home", 0.1, 0.2, 0.3)], [step("home", 0.0, 0.2, 0.3)], named=True)
    assert (one.figures[0].words, one.figures[0].tone) == ("100 ms slower", "bad")


def test_a_step_of_one_run_only_has_no_difference() -> None:
    (one,) = step_differences([step("pay", 0.1, 0.2, 0.3)], [], named=True)
    assert {(figure.there, figure.words) for figure in one.figures} == {("–", "")}
    assert headlines([one]) == []


def test_a_step_that_was_never_answered_is_not_called_quick() -> None:
    (one,) = step_differences([step("pay", errors=100)], [step("pay", 0.1, 0.2, 0.3)], named=True)
    assert [(figure.here, figure.words) for figure in one.figures] == [
        ("–", ""),
        ("–", ""),
        ("–", ""),
        ("100 %", "100 points more"),
    ]


def test_errors_come_before_waiting() -> None:
    here = [step("pay", 0.1, 0.2, 0.3, errors=4), step("home", 0.1, 1.2, 3)]
    there = [step("pay", 0.1, 0.2, 0.3), step("home", 0.1, 0.2, 0.3)]
    first, second = headlines(step_differences(here, there, named=True))
    assert first == "pay: errors 4 % here, 0 % there, 4 points more"
    assert second == "home: p95 1.2 s here, 200 ms there, 1 s slower (6 times)"


def test_unknown_orders_are_no_difference() -> None:
    (one,) = order_differences({"accepted": None}, {"accepted": 5}, named=True)
    assert (one.here, one.there, one.words) == ("–", "5", "")
