"""What a reader asks first is answered in sentences: is it sure, what caused it, what next."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboards.report.answers import Answer, answers
from dashboards.report.page import render
from dashboards.report.run_files import read
from tests.dashboards.made import Made
from tests.dashboards.synthetic import make


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("passed"), "PASS")


@pytest.fixture
def run(passed: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(passed.path, tmp_path / passed.path.name))


def judged(path: Path, **change: Any) -> dict[str, str]:
    """Return the answers by question for the run's verdict with `change`."""
    document = json.loads((path / "verdict.json").read_text()) | change
    (path / "verdict.json").write_text(json.dumps(document))
    return told(path)


def told(path: Path) -> dict[str, str]:
    return {one.question: one.words for one in answers(read(path))}


def finding(kind: str, severity: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "severity": severity, "subject": "s", "message": "it is so", **more}


def objective(**change: Any) -> Mapping[str, Any]:
    facts = {
        "name": "quick",
        "outcome": "missed",
        "target": 0.95,
        "bad_ratio_low": 0.4,
        "display_name": "Checkout is quick",
    }
    return {**facts, **change}


def test_a_pass_says_how_far_it_reaches(run: Path) -> None:
    checks = [{"kind": "audit", "name": "a", "status": "good"}, {"kind": "audit", "name": "b", "status": "left out"}]
    said = judged(run, checks=checks)
    assert said == {
        "Is it sure?": "Yes: 3 objectives were shown to hold with room for chance, "
        "and the load was delivered as planned. 1 of 2 promises to shoppers were checked.",
        "Not shown?": "More load than was played, another size or other data than staging's.",
        "What next?": "Nothing has to be mended. It holds for what was played: up to 6 sessions a second, "
        "3 times the forecast, judged over 90 s.",
    }


def test_a_pass_without_its_plan_reaches_no_further_than_what_was_played(run: Path) -> None:
    (run / "plan.yaml").unlink()
    assert told(run)["What next?"].endswith("It holds for the load that was played and no more.")


def test_a_missed_objective_is_told_with_what_chance_can_not_explain(run: Path) -> None:
    mild = objective(name="mild", target=0.5, bad_ratio_low=0.6, display_name=None)
    said = judged(run, outcome="FAIL", objectives=[mild, objective()])
    assert said["Is it sure?"] == (
        "Yes: with all that chance explains taken off, 40 % were still bad; 5 % is allowed (Checkout is quick)."
    )


def test_a_broken_promise_is_no_sample(run: Path) -> None:
    said = judged(run, outcome="FAIL", objectives=[], findings=[finding("audit", "fail")])
    assert said == {
        "Is it sure?": "Yes: it rests on the shop's own records, order by order, and not on a sample.",
        "What caused it?": "Not known from here; the audit lists examples of the orders concerned.",
        "What next?": "Keep the release back, and look at the orders that the audit names.",
    }


def test_the_cause_of_a_failure_stands_beside_its_reason(failed: Made) -> None:
    assert told(failed.path)["What caused it?"] == (
        "“SELECT stock” in shop takes 562 ms longer than in the reference phase (at least 510 ms): "
        "12 calls a request, 1 before."
    )


def test_a_cause_that_was_not_found_is_told_with_the_reason(run: Path) -> None:
    findings = [finding("objective", "fail"), finding("cause", "note", message="too few traces to tell what grew")]
    said = judged(run, outcome="FAIL", objectives=[objective()], findings=findings)
    assert said["What caused it?"] == "Not known: too few traces to tell what grew."


def test_a_failure_without_traces_says_that_nothing_tells_its_cause(run: Path) -> None:
    said = judged(run, outcome="FAIL", objectives=[objective()], findings=[finding("objective", "fail")])
    assert said["What caused it?"] == "Not known: no traces tell where the time went."


def test_a_run_that_is_not_valid_comes_before_what_was_undecided(run: Path) -> None:
    findings = [
        finding("objective", "inconclusive", change="5,000 requests more"),
        finding("validity", "inconclusive", change="run it to its end"),
        finding("validity", "inconclusive", change="run it to its end"),
    ]
    said = judged(run, outcome="INCONCLUSIVE", findings=findings)
    assert said == {
        "Is it sure?": "No. This is neither a pass nor a failure: "
        "the run is not valid, so what it shows can't be relied on.",
        "What next?": "Run it to its end; 5,000 requests more.",
    }


def test_an_objective_that_looks_missed_in_an_invalid_run_is_told_and_is_no_failure(run: Path) -> None:
    findings = [finding("validity", "inconclusive", change="add a worker")]
    said = judged(run, outcome="INCONCLUSIVE", objectives=[objective()], findings=findings)
    assert said["Is it sure?"].endswith(" 1 objective looked missed, in a run that isn't valid.")


def test_too_little_evidence_says_that_it_is_too_little(run: Path) -> None:
    said = judged(run, outcome="INCONCLUSIVE", findings=[finding("objective", "inconclusive")])
    assert said == {
        "Is it sure?": "No. This is neither a pass nor a failure: what was recorded is too little to tell.",
        "What next?": "See which objectives are undecided, and what each of them needs.",
    }


@pytest.mark.parametrize("outcome", [None, "FINE"])
def test_a_run_without_a_verdict_is_nothing_to_rely_on(run: Path, outcome: str | None) -> None:
    if outcome is None:
        (run / "verdict.json").unlink()
        said = told(run)
    else:
        said = judged(run, outcome=outcome)
    assert said == {
        "Is it sure?": "No. This run has not been judged: take nothing on this page for a pass.",
        "What next?": f"peakproof judge {run.name} tells what its records show.",
    }


def test_a_run_that_can_not_be_read_is_not_sent_to_the_judge(tmp_path: Path) -> None:
    assert told(tmp_path)["What next?"] == "Look at the files named below: without run.json this can't be judged."


def test_an_answer_has_a_place_or_none() -> None:
    assert (Answer(question="?", words="!").target, Answer(question="?", words="!").where) == ("", "")


def test_the_causes_say_why_there_is_none_and_leave_replies_out(run: Path) -> None:
    replies = finding("cause", "note", message="wrong_reply 412 times") | {"facts": {"error": "wrong_reply"}}
    why = [finding("cause", "note", message="what grew may have grown with load") for _ in range(2)]
    document = json.loads((run / "verdict.json").read_text()) | {
        "outcome": "FAIL",
        "findings": [replies, *why],
        "causes": [],
    }
    (run / "verdict.json").write_text(json.dumps(document))
    page = render(read(run))
    assert "No span was found to have grown: what grew may have grown with load." in page
