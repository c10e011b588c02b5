"""Panels are laid out over the whole grid, and say for themselves what Grafana would leave to chance."""

from typing import Any

import grafanalib.core as grafana

from dashboards.grafana.panels import Column, Look, Panel, Query, Row, lay_out
from dashboards.grafana.style import bad_from
from dashboards.grafana.upgrade import modern

Json = dict[str, Any]


def _panel(title: str, **more: Any) -> Panel:
    return Panel(
        title=title, description="A panel.", unit="percentunit", queries=[Query(expr="up", legend="up")], **more
    )


def _made(*panels: Panel) -> list[Json]:
    board = grafana.Dashboard(title="Made", panels=lay_out([Row(title="", panels=panels)])).auto_panel_ids()
    found: list[Json] = modern(board)["panels"]
    return found


def test_panels_that_can_not_share_the_grid_evenly_fill_it() -> None:
    places = [one["gridPos"] for one in _made(*(_panel(f"{n}") for n in range(5)))]
    assert [(place["x"], place["w"]) for place in places] == [(0, 5), (5, 5), (10, 5), (15, 5), (20, 4)]


def test_a_width_that_was_given_is_kept() -> None:
    places = [one["gridPos"] for one in _made(_panel("wide", width=9), _panel("a"), _panel("b"))]
    assert [place["w"] for place in places] == [9, 8, 7]


def test_the_axis_of_a_share_reaches_to_its_first_limit() -> None:
    limited, open_ended, ended = _made(
        _panel("limited", thresholds=bad_from(0.05, warn=0.01)),
        _panel("no limit"),
        _panel("ended", maximum=1, thresholds=bad_from(0.05)),
    )
    assert limited["fieldConfig"]["defaults"]["custom"]["axisSoftMax"] == 0.01
    assert "axisSoftMax" not in open_ended["fieldConfig"]["defaults"]["custom"]
    assert "axisSoftMax" not in ended["fieldConfig"]["defaults"]["custom"]


def _overrides(panel: Json) -> dict[str, dict[str, Any]]:
    return {
        one["matcher"]["options"]: {each["id"]: each["value"] for each in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }


def test_an_empty_cell_does_not_say_what_an_empty_table_means() -> None:
    columns = [Column(source="job", heading="Job")]
    table, always = _made(
        _panel("may be empty", look=Look.TABLE, columns=columns, nothing="nothing is wrong"),
        _panel("never empty", look=Look.TABLE, columns=columns),
    )
    assert table["fieldConfig"]["defaults"]["noValue"] == "nothing is wrong"
    assert _overrides(table)["Job"]["noValue"] == "–"
    assert "noValue" not in _overrides(always)["Job"]


def test_a_column_is_as_wide_as_its_heading_or_its_longest_word() -> None:
    columns = [
        Column(source="job", heading="Job"),
        Column(source="name", heading="Name", least_px=300),
        Column(source="commit", heading="Commit", width_px=100),
        Column(source="Value", heading="Failed", mappings={1: "more than was ever agreed upon", 0: "no"}),
    ]
    (table,) = _made(_panel("table", look=Look.TABLE, columns=columns))
    made = _overrides(table)
    assert made["Job"]["custom.minWidth"] == 80
    assert made["Name"]["custom.minWidth"] == 300
    assert made["Commit"] == {"custom.width": 100}
    assert made["Failed"]["custom.minWidth"] > made["Job"]["custom.minWidth"]
