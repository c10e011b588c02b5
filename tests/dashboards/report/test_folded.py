"""Objectives stand in one line each with their detail folded away, and findings lead to where they are shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from dashboards.formatting import count, percent
from dashboards.report import write_report
from dashboards.report.verdict_lines import finding_lines, objective_lines
from slo.verdict.verdict_document import FindingEntry, ObjectiveEntry, VerdictDocument
from tests.dashboards.made import SECOND, Made
from tests.dashboards.page import dead_links, read_page


def verdict(*objectives: ObjectiveEntry) -> VerdictDocument:
    return VerdictDocument(outcome="FAIL", exit_code=99, objectives=objectives)


def entry(name: str, outcome: str = "met", **figures: Any) -> ObjectiveEntry:
    return ObjectiveEntry.model_validate({"name": name, "outcome": outcome, **figures})


def folded(page: str) -> list[tuple[str, str]]:
    """Return the line and the detail of each objective, without tags."""
    part = page[page.index('<div class="objectives">') : page.index("How an objective is judged")]
    found = re.findall(r"<details( open)?>\s*<summary>(.*?)</summary>(.*?)</details>", part, re.DOTALL)
    assert [opened for opened, _, _ in found if opened] == []
    return [(plain(line), plain(detail)) for _, line, detail in found]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_an_objective_is_one_line_and_its_bounds_are_in_the_fold(failed: Made) -> None:
    lines = folded(write_report(failed.path).read_text())
    times = [
        (r["finished_at"] - r["scheduled_at"]) / SECOND for r in failed.judged_requests() if r["step"] == "checkout"
    ]
    bad = sum(value > 1.5 for value in times)
    line, detail = lines[0]
    assert line == (
        f"missed Checkout answers in time p95 2.75 s, limit 1.5 s; {count(bad)} of {count(len(times))} too slow: "
        f"{percent(bad / len(times))}, 5 % allowed"
    )
    assert "Bad, with its bounds" in detail
    assert "Even the lower bound of bad events is above what is allowed." in detail
    assert [name for name, _ in lines] != [line]


def test_what_was_missed_comes_first_and_what_was_not_judged_last() -> None:
    outcomes = ("not_judged", "met", "undecided", "missed", "no_data")
    lines = objective_lines(verdict(*(entry(one, one) for one in outcomes)))
    assert [line.entry.outcome for line in lines] == ["missed", "undecided", "no_data", "met", "not_judged"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"bad": 3, "events": 100, "target": 0.99}, "3 of 100 failed: 3 %, 1 % allowed"),
        ({"bad": 3, "events": 100}, "3 of 100 failed"),
        (
            {"bad": 3, "events": 100, "target": 0.95, "threshold_s": 0.5, "observed_quantile_at_least_s": 2.0},
            "p95 at least 2 s, limit 500 ms; 3 of 100 too slow: 3 %, 5 % allowed",
        ),
        ({"bad": None, "events": 100, "target": 0.95, "because": "no spans"}, "no spans"),
        ({"bad": 0, "events": 0, "target": 0.95}, "nothing is known of it"),
    ],
)
def test_a_line_tells_what_was_seen_against_what_is_allowed(facts: dict[str, Any], said: str) -> None:
    (line,) = objective_lines(verdict(entry("one", **facts)))
    assert line.sentence == said


def test_an_undecided_objective_says_that_it_had_too_little() -> None:
    (line,) = objective_lines(verdict(entry("one", "undecided", bad=0, events=10, target=0.99)))
    assert line.sentence == "0 of 10 failed: 0 %, 1 % allowed; too few to tell"


def test_the_bar_of_a_budget_is_full_at_twice_the_budget() -> None:
    burns = (0.5, 1.0, 2.0, 9.0, -1.0, None)
    lines = objective_lines(verdict(*(entry(f"o{n}", budget_burn=burn) for n, burn in enumerate(burns))))
    assert [line.bar for line in lines] == [25.0, 50.0, 100.0, 100.0, 0.0, None]


def test_a_finding_leads_to_where_it_is_shown() -> None:
    lines = objective_lines(verdict(entry("a"), entry("b", "missed")))
    kinds = (
        ("objective", "b"),
        ("objective", "gone"),
        ("audit", "paid-once"),
        ("cause", "b"),
        ("validity", "load"),
        ("validity", "clocks"),
    )
    findings = [FindingEntry(kind=kind, severity="fail", subject=name, message="m") for kind, name in kinds]
    assert [line.target for line in finding_lines(findings, lines)] == [
        "objective-2",
        "objectives",
        "audit",
        "causes",
        "load",
        "generator",
    ]


def test_every_link_leads_to_a_place_on_the_page(failed: Made) -> None:
    page = read_page(write_report(failed.path))
    assert len([element for element in page.elements if element.tag == "a"]) > 10
    assert dead_links(page) == []


def test_a_page_of_nothing_has_no_dead_link(tmp_path: Path) -> None:
    page = read_page(write_report(tmp_path))
    assert dead_links(page) == []
