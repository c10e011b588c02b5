"""The verdict over two releases for CI: `junit.xml`, one test case a measure, and one for the whole."""

from xml.etree import ElementTree as ET

from slo.formatting import clean
from slo.outcomes import Outcome
from slo.regression.verdict_document import ComparisonVerdict
from slo.rendering.comparison_lines import bounds, change, tolerance

_TAGS = {Outcome.PASS: None, Outcome.FAIL: "failure", Outcome.INCONCLUSIVE: "error"}


def render_comparison_junit(verdict: ComparisonVerdict) -> str:
    """Return the document: worse is a failure, what isn't shown an error, not compared skipped."""
    suites = ET.Element("testsuites", name="peakproof")
    cases = [
        _case(one.name, _TAGS[Outcome(one.outcome)], f"{one.because or one.outcome}; {change(one, one.change)}"
              f" ({bounds(one)}); {tolerance(one)}")
        for one in verdict.measures
    ]  # fmt: skip
    skipped = [_case(one.name, "skipped", one.because) for one in verdict.not_compared]
    _suite(suites, "comparison", [*cases, *skipped])
    whole = _case("the releases as a whole", _TAGS[verdict.verdict], f"{verdict.first_line}: {verdict.because}")
    _suite(suites, "verdict", [whole])
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ET.Element, name: str, cases: list[ET.Element]) -> None:
    suite = ET.SubElement(suites, "testsuite", name=name, tests=str(len(cases)))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)


def _case(name: str, tag: str | None, message: str) -> ET.Element:
    case = ET.Element("testcase", classname="peakproof.comparison", name=clean(name))
    if tag is not None:
        ET.SubElement(case, tag, message=clean(message)).text = clean(message)
    return case
