"""Every dashboard, held against Grafana's schemas, our own rules, what is exported, and Prometheus' parser."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.build import GENERATED, build, render, stale, write
from dashboards.grafana.checks import UNITS, check
from dashboards.grafana.links import uid
from dashboards.grafana.queries import expressions, panels, queries
from dashboards.grafana.upgrade import Json
from tests.dashboards.conftest import Schemas

BUILT = build()
EVERY = sorted(BUILT)
# The boards that there are or will be: what a link may name.
NAMES = (
    "incident", "shop-health", "objectives", "peak-run", "traces", "inventory", "business", "cost", "releases",
    "recovery", "exporters",
)  # fmt: skip
_LINK = re.compile(r"^/d/([a-z-]+)\?\$\{__url_time_range\}&\$\{environment:queryparam\}&\$\{datasource:queryparam\}")
_SELECTOR = re.compile(r"[a-zA-Z_:][\w:]*\{([^{}]*)\}")


@pytest.fixture(params=EVERY)
def dashboard(request: pytest.FixtureRequest) -> Json:
    return BUILT[str(request.param)]


def links_of(dashboard: Json) -> list[Json]:
    """Return every link of its panels and of their columns."""
    found: list[Json] = []
    for panel in panels(dashboard):
        found += panel["fieldConfig"]["defaults"].get("links", [])
        for override in panel["fieldConfig"]["overrides"]:
            found += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    return found


def test_a_dashboard_keeps_every_rule(dashboard: Json) -> None:
    assert check(dashboard) == []


def test_grafana_accepts_a_dashboard_without_its_panels(dashboard: Json, schemas: Schemas) -> None:
    assert schemas.errors({**dashboard, "panels": []}, "dashboard", "Dashboard") == []


def test_grafana_accepts_every_panel_with_its_options_and_queries(dashboard: Json, schemas: Schemas) -> None:
    wrong = []
    for panel in panels(dashboard):
        wrong += schemas.errors(panel, "dashboard", "Panel")
        wrong += schemas.errors(panel["options"], panel["type"], "Options")
        if panel["type"] in ("timeseries", "table"):
            wrong += schemas.errors(panel["fieldConfig"]["defaults"]["custom"], panel["type"], "FieldConfig")
        for target in panel["targets"]:
            wrong += schemas.errors(target, "prometheus", "Dataquery")
    assert wrong == []


def test_grafana_accepts_every_row(dashboard: Json, schemas: Schemas) -> None:
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    assert [error for row in rows for error in schemas.errors(row, "dashboard", "RowPanel")] == []


def test_grafana_knows_every_unit_the_rules_allow(schemas: Schemas) -> None:
    known = {unit.get("const") for unit in schemas.read("units")["definitions"].values()}
    assert known >= UNITS


def test_the_committed_files_are_what_the_code_builds() -> None:
    assert stale() == []
    assert sorted(path.stem for path in GENERATED.iterdir()) == EVERY


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert [path.read_bytes() for path in write(tmp_path)] == [path.read_bytes() for path in write(tmp_path)]
    assert stale(tmp_path) == []
    (tmp_path / "peak-run.json").write_text("{}")
    assert stale(tmp_path) == ["peak-run"]


def test_a_file_ends_in_a_newline_and_lies_in_generated(dashboard: Json) -> None:
    name = dashboard["uid"].removeprefix(uid(""))
    assert (GENERATED / f"{name}.json").read_bytes() == render(dashboard)


def test_every_query_selects_the_environment_in_every_selector(dashboard: Json) -> None:
    without = [
        (panel["title"], selector)
        for panel, target in expressions(dashboard)
        for selector in _SELECTOR.findall(target["expr"])
        if 'environment=~"$environment"' not in selector
    ]
    assert without == []
    assert [target["expr"] for _, target in expressions(dashboard) if not _SELECTOR.search(target["expr"])] == []


def test_every_variable_beside_the_environment_is_used(dashboard: Json) -> None:
    chosen = {one["name"] for one in dashboard["templating"]["list"]} - {"datasource"}
    asked = " ".join(target["expr"] for _, target in expressions(dashboard))
    assert [name for name in sorted(chosen) if f"${name}" not in asked] == []


def test_no_query_keeps_a_variable(dashboard: Json) -> None:
    assert [query for query in queries(dashboard) if "$" in query] == []


def test_every_link_leads_to_a_board_with_the_time_and_the_environment(dashboard: Json) -> None:
    for link in links_of(dashboard):
        match = _LINK.match(link["url"])
        assert match is not None, link
        assert match[1] in {uid(name) for name in NAMES}, link


def test_a_link_sets_only_variables_that_its_board_has(dashboard: Json) -> None:
    for link in links_of(dashboard):
        board = BOARDS.get(link["url"].removeprefix("/d/").split("?")[0].removeprefix(uid("")))
        known = set() if board is None else {variable.name for variable in board.variables}
        assert board is None or set(re.findall(r"&var-(\w+)=", link["url"])) <= known, link


def test_every_board_leads_on_to_another(dashboard: Json) -> None:
    led = {link["url"].split("?")[0] for link in links_of(dashboard)} - {f"/d/{dashboard['uid']}"}
    assert led


def test_a_table_shows_only_what_it_asks_for_and_is_sorted_by_what_it_shows(dashboard: Json) -> None:
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        organized = panel["transformations"][-1]["options"]["renameByName"]
        values = [source for source in organized if source.startswith("Value")]
        several = len(panel["targets"]) > 1
        asked = [f"Value #{one['refId']}" for one in panel["targets"]] if several else ["Value"]
        assert set(values) <= set(asked)
        assert {one["displayName"] for one in panel["options"]["sortBy"]} <= set(organized.values())
        assert len(set(organized.values())) == len(organized)


def test_latency_panels_offer_exemplars(dashboard: Json) -> None:
    asked = [
        target["exemplar"]
        for _, target in expressions(dashboard)
        if "histogram_quantile" in target["expr"] and target["range"]
    ]
    assert all(asked)


@pytest.mark.parametrize("name", EVERY)
def test_prometheus_parses_every_query(name: str, tmp_path: Path) -> None:
    """Promtool has no check of a bare expression, so each stands as a recording rule."""
    promtool = os.environ.get("PEAKPROOF_PROMTOOL") or shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    rules = "".join(f"  - record: q{i}\n    expr: |-\n      {q}\n" for i, q in enumerate(queries(BUILT[name])))
    (tmp_path / "rules.yaml").write_text(f"groups:\n- name: {name}\n  rules:\n{rules}")
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
