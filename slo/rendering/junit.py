"""The verdict for CI: `junit.xml`, one test case an objective, a promise and a validity check."""

from xml.etree import ElementTree as ET

from slo.formatting import clean
from slo.outcomes import Outcome
from slo.policy.criterion_results import CriterionResult
from slo.verdict.checkpoints import Checkpoint
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.policy_lines import policy_lines, spend_lines
from slo.verdict.verdict import Verdict


def render_junit(verdict: Verdict) -> str:
    """Return the document: missed and broken are failures, what is not known an error, not judged skipped.

    A suite without a failure or an error is a PASS and nothing else: a verdict that no case accounts for adds one.
    """
    suites = ET.Element("testsuites", name="peakproof")
    _suite(suites, "objectives", [_objective(result, verdict) for result in verdict.objectives])
    if verdict.criteria:
        _suite(suites, "criteria", [_criterion(result, verdict) for result in verdict.criteria])
    for kind in ("audit", "validity"):
        _suite(suites, kind, [_check(point) for point in verdict.checks if point.kind == kind])
    _suite(suites, "verdict", [_whole(verdict)])
    for name in ("tests", "failures", "errors", "skipped"):
        suites.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ET.Element, name: str, cases: list[ET.Element]) -> None:
    suite = ET.SubElement(suites, "testsuite", name=name, tests=str(len(cases)))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)


def _case(room: str, name: str, tag: str | None, message: str, kind: str) -> ET.Element:
    case = ET.Element("testcase", classname=f"peakproof.{room}", name=clean(name))
    if tag == "skipped":
        ET.SubElement(case, tag, message=clean(message))
    elif tag is not None:
        ET.SubElement(case, tag, message=clean(message), type=kind).text = clean(message)
    return case


def _objective(result: ObjectiveResult, verdict: Verdict) -> ET.Element:
    if ("objective", result.name) in verdict.waived:
        return _case("objectives", result.name, "skipped", f"missed, and waived: {result.because}", result.outcome)
    tag = {"met": None, "missed": "failure", "not_judged": "skipped"}.get(result.outcome, "error")
    needs = f"; needs {result.needs}" if result.needs else ""
    return _case("objectives", result.name, tag, result.because + needs, result.outcome)


def _criterion(result: CriterionResult, verdict: Verdict) -> ET.Element:
    message = f"{result.says}: {result.outcome}: {result.because}; {result.noise}"
    if result.outcome == "held":
        return _case("criteria", result.name, None, message, result.outcome)
    if not result.enforced or ("criterion", result.name) in verdict.waived:
        why = "waived" if result.enforced else "advisory"
        return _case("criteria", result.name, "skipped", f"{why}: {message}", result.outcome)
    tag = "failure" if result.outcome == "breached" else "error"
    return _case("criteria", result.name, tag, message, result.outcome)


def _check(point: Checkpoint) -> ET.Element:
    tag = {"good": None, "bad": "failure", "unknown": "error", "left out": "skipped"}[point.status]
    return _case(point.kind, point.name, tag, point.message, point.status)


def _whole(verdict: Verdict) -> ET.Element:
    tag = {Outcome.PASS: None, Outcome.FAIL: "failure"}.get(verdict.outcome, "error")
    reason = verdict.headline.removeprefix(verdict.outcome.value).strip()
    case = _case("verdict", "the run as a whole", tag, f"{verdict.first_line}: {reason}", verdict.outcome.value)
    lines = [*policy_lines(verdict), *spend_lines(verdict)]
    if tag is None:
        lines = [verdict.first_line, reason, *(f"not shown: {one}" for one in verdict.not_shown), *lines]
    if lines:
        ET.SubElement(case, "system-out").text = "\n".join(map(clean, lines))
    return case
