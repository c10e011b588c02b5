"""A panel shows what Grafana would: and what is missing is said, never shown as good."""

import math
from typing import Any

import pytest

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel
from dashboards.grafana.style import ONE_IS_GOOD, Thresholds, bad_from
from dashboards.snapshot.answers import NOT_ASKED
from dashboards.snapshot.panels import MAX_DRAWN
from tests.dashboards.snapshot.made import answer, query, series, shown

LATE = bad_from(2, warn=1)


def panel(look: Look = Look.LINES, **given: Any) -> Panel:
    settings: dict[str, Any] = {"title": "Waiting", "description": "How long.", "unit": "s", "queries": [query("up")]}
    return Panel(**settings | {"look": look} | given)


def test_a_line_is_called_by_its_legend_and_stands_with_its_last_value_in_its_unit() -> None:
    view = shown(panel(), {"up": answer(series(1, 72, route="/cart"))})
    assert [(item.name, item.figure.text) for item in view.items] == [("/cart", "1.20 mins")]
    assert (view.kind, view.title, view.description) == ("lines", "Waiting", "How long.")


def test_a_query_of_one_series_has_the_colour_that_grafana_is_told() -> None:
    both = panel(queries=[query("a"), query("b", "now")])
    view = shown(both, {"a": answer(series(1), series(2)), "b": answer(series(3))})
    assert [item.style for item in view.items] == ["k1", "k2", "k2 d1"]


def test_thresholds_are_drawn_as_lines_in_words() -> None:
    view = shown(panel(thresholds=LATE), {"up": answer(series(1, 1.9))})
    assert view.plot is not None
    assert [(limit.tone, limit.label) for limit in view.plot.limits] == [("warn", "1 s"), ("bad", "2 s")]


def test_a_threshold_out_of_sight_is_told() -> None:
    view = shown(panel(thresholds=LATE), {"up": answer(series(0.1))})
    assert list(view.notes) == ["outside of the chart: warn from 1 s, bad from 2 s"]


def test_a_line_that_ended_says_until_when() -> None:
    gone = series(3, 3, 3)
    view = shown(panel(), {"up": answer(type(gone)(labels={"route": "/a"}, points=gone.points[:2]))})
    assert view.items[0].name == "/a"
    early = type(gone)(labels={"route": "/a"}, points=gone.points[:1])
    assert shown(panel(), {"up": answer(early)}).items[0].name == "/a (until 12:08:00)"


@pytest.mark.parametrize("look", [Look.LINES, Look.NUMBER, Look.BARS])
def test_a_query_without_a_row_was_not_asked(look: Look) -> None:
    view = shown(panel(look, nothing="all is well"), {"up": answer(problem=NOT_ASKED)})
    assert (view.kind, view.nothing, list(view.notes)) == ("empty", "no data", ["not asked in this run"])


def test_an_empty_panel_says_what_that_means_and_that_it_is_empty() -> None:
    view = shown(panel(nothing="no alert is firing"), {"up": answer()})
    assert (view.nothing, list(view.notes)) == ("no alert is firing", ["no series in this time"])


def test_an_empty_panel_that_should_not_be_has_no_data() -> None:
    view = shown(panel(), {"up": answer()})
    assert (view.nothing, list(view.notes)) == ("no data", [])


def test_one_query_of_two_that_was_not_asked_is_told_beside_the_other() -> None:
    view = shown(
        panel(queries=[query("a"), query("b")]), {"a": answer(series(1)), "b": answer(problem="refused: no such")}
    )
    assert (view.kind, list(view.notes)) == ("lines", ["refused: no such"])


def test_of_too_many_series_the_highest_are_drawn_and_the_others_counted() -> None:
    many = [series(number, route=f"/{number}") for number in range(30)]
    view = shown(panel(), {"up": answer(*many, left_out=5)})
    assert {item.name for item in view.items} == {f"/{number}" for number in range(10, 30)}
    assert list(view.notes) == [f"the {MAX_DRAWN} highest of 35 series"]


def test_a_number_has_its_word_its_colour_and_its_limits_in_words() -> None:
    view = shown(
        panel(Look.NUMBER, unit="short", thresholds=ONE_IS_GOOD, mappings={0: "down", 1: "up"}),
        {"up": answer(series(0, route="/a"), series(1, route="/b"), series(7, route="/c"))},
    )
    assert [(item.figure.text, item.figure.tone) for item in view.items] == [
        ("down", "bad"),
        ("up", "good"),
        ("7", "good"),
    ]
    assert list(view.notes) == ["good from 1 (up)"]


def test_a_bar_is_as_long_as_its_part_of_the_longest_or_of_the_end_that_is_set() -> None:
    found = {"up": answer(series(1), series(4))}
    assert [item.filled_percent for item in shown(panel(Look.BARS), found).items] == [25.0, 100.0]
    assert [item.filled_percent for item in shown(panel(Look.BARS, maximum=8), found).items] == [12.5, 50.0]


def test_a_bar_of_no_number_is_empty_and_says_so() -> None:
    item = shown(panel(Look.BARS), {"up": answer(series(math.nan))}).items[0]
    assert (item.filled_percent, item.figure.text) == (0.0, "no data")


def table(**given: Any) -> Panel:
    columns = [
        Column(source="route", heading="Route", links=[Link(title="Look", board="shop", labels={"route": "Route"})]),
        Column(source="Value #A", heading="Rate", unit="reqps"),
        Column(source="Value #B", heading="Failed", unit="percentunit", thresholds=bad_from(0.05)),
        Column(source="Value #C", heading="State", mappings={1: "on"}),
    ]
    queries = [query("a"), query("b"), query("c")]
    return panel(Look.TABLE, columns=columns, queries=queries, sorted_by="Rate", **given)


def test_a_table_joins_its_queries_by_label_in_its_columns_units_and_order() -> None:
    found = {
        "a": answer(series(1, route="/a", pod="x"), series(5, route="/b", pod="x")),
        "b": answer(series(0.1, route="/b", pod="x")),
        "c": answer(series(1, route="/a", pod="x")),
    }
    view = shown(table(), found)
    assert list(view.headings) == ["Route", "Rate", "Failed", "State"]
    assert [[cell.figure.text for cell in row] for row in view.rows] == [
        ["/b", "5 req/s", "10%", "–"],
        ["/a", "1 req/s", "–", "on"],
    ]
    assert view.rows[0][2].figure.tone == "bad"


def test_a_text_is_cut_where_its_column_has_a_width() -> None:
    columns = [Column(source="commit", heading="Commit", width_px=100), Column(source="Value", heading="Rate")]
    made = panel(Look.TABLE, columns=columns, queries=[query("a")])
    (row,) = shown(made, {"a": answer(series(1, commit="0af7651916cd43dd8448eb211c80319c"))}).rows
    assert [cell.width_px for cell in row] == [100, 0]


def test_a_link_in_a_table_carries_what_stands_in_its_row() -> None:
    found = {"a": answer(series(1, route="/a")), "b": answer(), "c": answer()}
    link = shown(table(), found, boards=["shop"]).rows[0][0].links[0]
    assert (link.title, link.href) == ("Look", "/shop{'route': '/a'}")
    assert not shown(table(), found).rows[0][0].links


def test_a_link_of_a_panel_carries_the_labels_of_its_series_and_others_stand_beside_the_title() -> None:
    links = [Link(title="Route", board="shop", labels={"route": "route"}), Link(title="All", board="incident")]
    view = shown(panel(links=links), {"up": answer(series(1, route="/a"))}, boards=["shop", "incident"])
    assert [one.href for one in view.items[0].links] == ["/shop{'route': '/a'}"]
    assert [(one.title, one.href) for one in view.links] == [("All", "/incident")]


def test_a_colour_of_no_threshold_is_none() -> None:
    plain = Thresholds(steps=())
    assert shown(panel(Look.NUMBER, thresholds=plain), {"up": answer(series(1))}).items[0].figure.tone == ""
