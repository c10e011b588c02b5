"""The verdict over two releases in a terminal, in Markdown and in JUnit's XML."""

from xml.etree import ElementTree as ET

import pytest

from slo.outcomes import Outcome
from slo.rendering.comparison_junit import render_comparison_junit
from slo.rendering.comparison_markdown import render_comparison_markdown
from slo.rendering.comparison_terminal import render_comparison
from tests.slo.regression.verdicts import verdict


def test_the_terminal_begins_with_the_outcome_and_why_and_has_a_line_a_measure() -> None:
    lines = render_comparison(verdict(), colour=False).splitlines()
    assert lines[:2] == [
        "FAIL: after (1.1) (B) against before (1.0) (A) on staging",
        "  checkout-fast is 25 % slower",
    ]
    assert "  FAIL          checkout-fast       100 ms -> 125 ms, +25.0 % (+10.0 % to +40.0 %)" in lines
    assert "  FAIL          orders-per-session  1.000 -> 0.900, -0.100 orders (-0.150 orders to -0.050 orders)" in lines
    assert "  not compared  server: no labels" in lines
    assert lines[-1] == "  note: they share a database"


def test_no_name_moves_the_cursor_or_makes_a_link() -> None:
    hostile = verdict(label="\x1b[2J[x](http://e.example)<script>")
    assert "\x1b" not in render_comparison(hostile, colour=False)
    assert "<script>" not in render_comparison_markdown(hostile)
    assert "[x](" not in render_comparison_markdown(hostile)


@pytest.mark.parametrize(
    ("outcome", "failures", "errors"), [(Outcome.FAIL, 3, 0), (Outcome.INCONCLUSIVE, 1, 2), (Outcome.PASS, 1, 0)]
)
def test_worse_is_a_failure_and_not_shown_an_error(outcome: Outcome, failures: int, errors: int) -> None:
    suites = ET.fromstring(render_comparison_junit(verdict(outcome)))  # noqa: S314 - written here
    assert (len(suites.findall(".//failure")), len(suites.findall(".//error"))) == (failures, errors)
    assert [one.get("name") for one in suites.findall(".//testcase") if one.find("skipped") is not None] == ["server"]
