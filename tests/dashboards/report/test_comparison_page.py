"""The page of a comparison."""

from dashboards.report.comparison_chart import of_pair, pair_chart
from dashboards.report.comparison_page import comparison_page
from slo.regression.verdict_document import PairEntry
from tests.slo.regression.verdicts import verdict


def test_the_page_begins_with_the_outcome_and_why_and_needs_no_network() -> None:
    page = comparison_page(verdict())
    body = page[page.index("<body>") :]
    places = [
        body.index(text)
        for text in ("<h1>FAIL</h1>", "checkout-fast is 25 % slower", "<table>", "<svg", "share a database")
    ]
    assert places == sorted(places)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_a_name_that_is_html_stays_text() -> None:
    assert "<img" not in comparison_page(verdict(label="<img src=x onerror=alert(1)>"))


def test_a_chart_has_a_dot_for_each_known_pair_and_says_which_is_not_known() -> None:
    chart = pair_chart(verdict().measures[0])
    assert chart is not None
    assert (chart.svg.count("<circle"), chart.svg.count("not known")) == (2, 2)


def test_an_unknown_value_is_no_change() -> None:
    entry = verdict().measures[0]
    assert [of_pair(entry, PairEntry(number=1, a=a, b=b)) for a, b in ((None, 1.0), (0.0, 1.0), (1.0, 2.0))] == [
        None,
        None,
        2.0,
    ]


def test_a_measure_of_which_no_pair_is_known_has_no_chart() -> None:
    entry = verdict().measures[0].model_copy(update={"blocks": (PairEntry(number=1),)})
    assert pair_chart(entry) is None
