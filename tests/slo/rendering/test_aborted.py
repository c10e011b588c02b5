"""A run that was stopped because a miss was certain says so, and why, wherever its verdict is read."""

import dataclasses
from xml.etree import ElementTree as ET

import pytest

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.outcomes import Outcome
from slo.rendering.junit import render_junit
from slo.rendering.markdown import escape, render_markdown
from slo.rendering.terminal import render_terminal
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, Verdict, judge
from slo.verdict.verdict_document import verdict_document

WHY = "the run was aborted: checkout-latency will be missed whatever comes"


def aborted(case: Case, *, bad: int = 15, **unknown: None) -> Verdict:
    """Judge a run that was stopped after half of its judged time."""
    counts = StepCounts(step="checkout", events=(20,) * 20, bad=(bad,) * 20)
    ended = {"ended": "aborted", "ended_because": WHY.partition(": ")[2], "ended_at": 150_000_000_000}
    return judge(
        dataclasses.replace(
            case,
            run=parse_run({**case.run.to_json(), **ended, **unknown}),
            evidence={**case.evidence, "checkout-latency": Evidence(counts=(counts,), quantile_s=0.9)},
            planned_events={objective.name: 800.0 for objective in case.objectives},
        )
    )


@pytest.mark.parametrize(("bad", "outcome"), [(15, Outcome.FAIL), (0, Outcome.INCONCLUSIVE)])
def test_every_rendering_says_that_it_was_aborted_and_why(passing: Case, bad: int, outcome: Outcome) -> None:
    verdict = aborted(passing, bad=bad)
    assert verdict.outcome is outcome
    assert WHY in " ".join(render_terminal(verdict).split())
    assert escape(WHY) in render_markdown(verdict)
    (whole,) = ET.fromstring(render_junit(verdict)).findall(".//testcase[@name='the run as a whole']/*")  # noqa: S314 - written here
    assert WHY in whole.get("message", "")
    document = verdict_document(verdict)
    assert WHY in str(document.headline)
    assert WHY in {finding.message for finding in document.findings or ()}


def test_the_screen_says_so_in_place_of_what_never_came_to_be_known(passing: Case) -> None:
    lines = render_terminal(aborted(passing, account=None)).splitlines()
    (load,) = (line for line in lines if line.startswith("load "))
    assert load.startswith(f"load      {WHY}, 50 s judged")


def test_what_is_not_known_of_an_aborted_run_hides_neither_the_miss_nor_why(passing: Case) -> None:
    verdict = aborted(passing, account=None, requests=None, scheduling_lag_s=None, recorder=None)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.headline.startswith("FAIL  checkout-latency: 75 % of 400 checkouts took over 500 ms")
    assert verdict.headline.endswith(WHY)
