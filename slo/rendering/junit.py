"""The verdict for CI: `junit.xml`, one test case an objective, a promise and a validity check."""

from xml.etree import ElementTree as ET

from slo.formatting import clean
from slo.outcomes import Outcome
from slo.verdict.checkpoints import Checkpoint
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.verdict import Verdict


def render_junit(verdict: Verdict) -> str:
    """Return the document: missed and broken are failures, what is not known an error, not judged skipped.

    A suite without a failure or an error is a PASS and nothing else: a verdict that no case accounts for adds one.
    """
    suites = ET.Element("testsuites", name="peakproof")
    _suite(suites, "objectives", [_objective(result) for result in verdict.objectives])
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


def _objective(result: ObjectiveResult) -> ET.Element:
    tag = {"met": None, "missed": "failure", "not_judged": "skipped"}.get(result.outcome, "error")
    needs = f"; needs {result.needs}" if result.needs else ""
    return _case("objectives", result.name, tag, result.because + needs, result.outcome)


def _check(point: Checkpoint) -> ET.Element:
    tag = {"good": None, "bad": "failure", "unknown": "error", "left out": "skipped"}[point.status]
    return _case(point.kind, point.name, tag, point.message, point.status)


def _whole(verdict: Verdict) -> ET.Element:
    tag = {Outcome.PASS: None, Outcome.FAIL: "failure"}.get(verdict.outcome, "error")
    reason = verdict.headline.removeprefix(verdict.outcome.value).strip()
    case = _case("verdict", "the run as a whole", tag, f"{verdict.first_line}: {reason}", verdict.outcome.value)
    if tag is None:
        lines = [verdict.first_line, reason, *(f"not shown: {one}" for one in verdict.not_shown)]
        ET.SubElement(case, "system-out").text = "\n".join(map(clean, lines))
    return case
