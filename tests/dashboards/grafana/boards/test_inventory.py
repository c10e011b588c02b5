"""The dashboard "Inventory" shows a healthy inventory whole, and each fault in the panel that names it."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana.build import build
from exporters.context import ExporterContext
from exporters.serving.cardinality import MAX_SERIES
from exporters.serving.scrape import Scraper
from exporters.subjects.inventory.config import InventoryConfig
from exporters.subjects.inventory.subject import subject
from loadtests.demand.forecast import forecast
from loadtests.demand.history import read_history
from loadtests.demand.sample_history import to_csv
from slo.documents import validate
from tests.dashboards.grafana.boards.exported import NEEDED, STEP_S, Board, Page, Rows, prometheus_of, scrape

pytestmark = [pytest.mark.heavy, NEEDED]
NOW_S = 1_795_780_800  # 2026-11-27 12:00 UTC
MINUTES = 15
HEALTHY, TWIN = "healthy", "twin"
AGE_S = MINUTES * 60 + 300.0
COLUMNS = ("sku", "quantity", "reserved")
WAREHOUSE, LEEDS, YORK = "warehouse", "leeds", "york"
PLACES = (WAREHOUSE, LEEDS, YORK)
Stock = dict[str, tuple[int, int]]


def stock(**changed: tuple[int, int]) -> Stock:
    return {"TEE": (500, 20), "MUG": (300, 10), "HAT": (200, 0), **changed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What each location holds of a SKU (units, reserved), what the web shop believes, and what sells in 28 days."""

    held: Mapping[str, Stock] = field(default_factory=dict)
    believed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sales: Mapping[str, int] = field(default_factory=dict)
    counted_at: str = ""
    unread: str = ""
    top_skus: int = 100
    max_series: int = MAX_SERIES
    last_season: str = ""
    differs_lately: bool = False

    def write(self, folder: Path) -> None:
        folder.mkdir()
        held = {name: self.held.get(name, stock()) for name in PLACES}
        for name, of in held.items():
            if name != self.unread:
                rows = [(sku, *units, self.counted_at or "") for sku, units in of.items()]
                _csv(folder / f"{name}.csv", (*COLUMNS, "counted"), rows, age_s=AGE_S)
        self.write_shop(folder, {} if self.differs_lately else self.believed)
        if self.last_season:
            _csv(folder / "season.csv", ("sku", "units"), [(self.last_season, 5000)])
            (folder / "history.csv").write_text(to_csv())
            (folder / "forecast.json").write_text(forecast(read_history(folder / "history.csv")).to_json())
        _csv(folder / "sales.csv", ("sku", "units"), list({"TEE": 40, "MUG": 30, "HAT": 20, **self.sales}.items()))

    def write_shop(self, folder: Path, believed: Mapping[tuple[str, str], int]) -> None:
        held = {name: self.held.get(name, stock()) for name in PLACES}
        true = {(name, sku): units - reserved for name, of in held.items() for sku, (units, reserved) in of.items()}
        shop = [(name, sku, units) for (name, sku), units in {**true, **believed}.items()]
        _csv(folder / "shop.csv", ("location", "sku", "quantity"), shop)

    def document(self) -> dict[str, Any]:
        columns = {"sku": "sku", "quantity": "quantity", "reserved": "reserved"}
        columns |= {"counted_at": "counted"} if self.counted_at else {}
        located = {name: {"csv": {"path": f"{name}.csv"}, "columns": columns, "max_bad_rows": 1} for name in PLACES}
        located[WAREHOUSE]["kind"] = "warehouse"
        return {
            "locations": located,
            "web_shop": {
                "csv": {"path": "shop.csv"},
                "columns": {"sku": "sku", "location": "location", "quantity": "quantity"},
            },
            "sales": {
                "csv": {"path": "sales.csv"}, "columns": {"sku": "sku", "units": "units"}, "window_days": 28,
            },
            **({"season": _SEASON} if self.last_season else {}),
            "dead_after_days": 28,
            "sync_within_s": 120,
            "top_skus": self.top_skus,
        }  # fmt: skip


_SEASON = {
    "csv": {"path": "season.csv"}, "columns": {"sku": "sku", "units": "units"}, "window_days": 28,
    "forecast": "forecast.json",
}  # fmt: skip
# 25 SKUs of which a location has promised 1 to 25 units in vain, all of them in a store, none in the warehouse.
CROWD = [f"S{number:02}" for number in range(1, 26)]


def crowd() -> "Scene":
    held = {
        WAREHOUSE: dict.fromkeys(CROWD, (0, 0)),
        LEEDS: {sku: (0, number) for number, sku in enumerate(CROWD, 1)},
        YORK: {sku: (100 + number, 0) for number, sku in enumerate(CROWD, 1)},
    }
    # Twelve SKUs of which the shop believes too much, thirteen of which it believes too little: by 1 to 25 units.
    believed = {(YORK, sku): 100 + number + (number if number % 2 else -number) for number, sku in enumerate(CROWD, 1)}
    sales = {sku: 200 + number for number, sku in enumerate(CROWD, 1)}
    return Scene(held={name: {**stock(), **of} for name, of in held.items()}, believed=believed, sales=sales)


def _csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], age_s: float = 3600) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))


SCENES = {
    HEALTHY: Scene(),
    "stock-out": Scene(held={LEEDS: stock(MUG=(0, 0)), YORK: stock(TEE=(3, 3))}),
    "oversold": Scene(held={LEEDS: stock(MUG=(1, 4)), YORK: stock(HAT=(0, 2))}),
    "drift": Scene(believed={(YORK, "HAT"): 205, (LEEDS, "TEE"): 470}),
    "unlisted": Scene(believed={(YORK, "SCARF"): 7}),
    "short": Scene(held={name: stock(TEE=(20, 0)) for name in PLACES}, sales={"TEE": 280}),
    "warehouse-out": Scene(held={WAREHOUSE: stock(HAT=(0, 0)), YORK: stock(HAT=(9, 2))}),
    "dead": Scene(held={LEEDS: stock(SOCK=(12, 0))}),
    "unread": Scene(unread=YORK),
    "left-out": Scene(held={YORK: {**stock(), "BAG": (5, -1)}}),
    "counted": Scene(counted_at="2026-11-20T12:00:00Z"),
    "many": Scene(top_skus=1),
    "cut": Scene(max_series=60),  # of 62
    "season": Scene(last_season="MUG"),
    "lately": Scene(believed={(YORK, "HAT"): 205}, differs_lately=True),
    "crowd": crowd(),
}


def pages(scene: Scene, folder: Path) -> list[Page]:
    """Return a page each minute of the last quarter of an hour."""
    scene.write(folder)
    now_s = [0.0]
    given = ExporterContext(variables={}, folder=folder, runs=folder, now=lambda: round(now_s[0] * 1e9))
    made = subject(validate(scene.document(), InventoryConfig, "exporters.yaml"), given)
    scraper = Scraper(replace(made, max_series=scene.max_series))
    found = []
    for minute in range(-MINUTES, 1):
        now_s[0] = NOW_S + minute * STEP_S
        if scene.differs_lately and minute == -1:
            scene.write_shop(folder, scene.believed)
        found.append(Page(at_s=now_s[0], text=scrape(scraper)))
    return found


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("inventory")
    scenes = {name: pages(one, folder / name) for name, one in SCENES.items()}
    twins = {f"{name}-{TWIN}": found for name, found in scenes.items()}
    with prometheus_of({**scenes, **twins}, folder) as prometheus:
        yield Board(build()["inventory"], prometheus, NOW_S)


NOT_ADDED = {"For how long they have differed", "Age of each location's data", "Oldest stocktake"}
MOST = list(enumerate(CROWD, 1))[5:]
TEE_SHORT_S = 3 * 20 / 280 * 28 * 86_400
WEEK_S = 7 * 86_400.0
# The panel that names a fault, and what it then shows.
FAULTS: list[tuple[str, str, Mapping[str, float]]] = [
    ("stock-out", "SKUs out of stock", {"out of stock": 2}),
    ("stock-out", "Out of stock by location", {WAREHOUSE: 0, LEEDS: 1, YORK: 1}),
    ("stock-out", "Units by location", {WAREHOUSE: 970, LEEDS: 680, YORK: 490}),
    ("oversold", "SKUs oversold", {"oversold": 2}),
    (
        "lately",
        "Drift by location",
        {**{f"{place} {kind}": 0 for place in PLACES for kind in ("all", "standing")}, "york all": 5},
    ),
    ("season", "SKUs that run short", {"SKUs": 1}),
    (
        "season",
        "SKUs that sell, and that run short",
        {"recent sell": 3, "recent run short": 0, "season sell": 1, "season run short": 1},
    ),
    ("drift", "Standing drift", {"units": 15}),
    (
        "drift",
        "Drift by location",
        {f"{place} {kind}": units for place, units in zip(PLACES, (0, 10, 5), strict=True)
         for kind in ("all", "standing")},
    ),
    ("drift", "For how long they have differed", {LEEDS: MINUTES * 60, YORK: MINUTES * 60}),
    (
        "unlisted", "SKUs that differ",
        {WAREHOUSE: 0, LEEDS: 0, YORK: 1, "not in the list of the shop": 0, "not in the list of the location": 1},
    ),
    ("short", "SKUs that run short", {"SKUs": 1}),
    ("short", "SKUs that sell, and that run short", {"recent sell": 3, "recent run short": 1}),
    ("warehouse-out", "Only left in a store", {"SKUs": 1}),
    ("dead", "Units of dead stock", {WAREHOUSE: 0, LEEDS: 12, YORK: 0}),
    ("dead", "SKUs of dead stock", {WAREHOUSE: 0, LEEDS: 1, YORK: 0}),
    ("unread", "Sources down", {"not read": 1}),
    ("unread", "Age of each location's data", {WAREHOUSE: AGE_S, LEEDS: AGE_S}),
    ("counted", "Oldest stocktake", {WAREHOUSE: WEEK_S, LEEDS: WEEK_S, YORK: WEEK_S}),
    ("left-out", "Rows left out, SKUs without a series", {"york: rows left out (reserved)": 1}),
    ("many", "Rows left out, SKUs without a series", {f"{place}: SKUs in other": 2 for place in PLACES}),
    ("cut", "Rows left out, SKUs without a series", {"inventory_available_units: series dropped": 2}),
]  # fmt: skip
ROWS: list[tuple[str, str, Rows]] = [
    (
        "stock-out",
        "Best sellers out of stock",
        {(LEEDS, "MUG"): {"Units available": 0}, (YORK, "TEE"): {"Units available": 0}},
    ),
    (
        "oversold",
        "Best sellers out of stock",
        {(LEEDS, "MUG"): {"Units available": -3}, (YORK, "HAT"): {"Units available": -2}},
    ),
    (
        "oversold",
        "Oversold SKUs",
        {(LEEDS, "MUG"): {"Units promised in vain": 3}, (YORK, "HAT"): {"Units promised in vain": 2}},
    ),
    # Of 25 the twenty that matter most.
    ("crowd", "Oversold SKUs", {(LEEDS, sku): {"Units promised in vain": n} for n, sku in MOST}),
    ("crowd", "Best sellers out of stock", {(LEEDS, sku): {"Units available": -n} for n, sku in MOST}),
    ("crowd", "SKUs that differ most", {(YORK, sku): {"Shop has more": n if n % 2 else -n} for n, sku in MOST}),
    (
        "crowd",
        "In a store while the warehouses are out",
        {(YORK, sku): {"Units in the store": 100 + n} for n, sku in MOST},
    ),
    (
        "drift",
        "SKUs that differ most",
        {(LEEDS, "TEE"): {"Shop has more": -10}, (YORK, "HAT"): {"Shop has more": 5}},
    ),
    (
        "warehouse-out",
        "In a store while the warehouses are out",
        {(LEEDS, "HAT"): {"Units in the store": 200}, (YORK, "HAT"): {"Units in the store": 7}},
    ),
]


@pytest.mark.parametrize(("scene", "title", "shown"), FAULTS)
def test_a_fault_changes_the_panel_that_names_it(
    board: Board, scene: str, title: str, shown: Mapping[str, float]
) -> None:
    assert board.last(title, scene) == shown
    assert board.last(title, HEALTHY) != shown


@pytest.mark.parametrize(("scene", "title", "rows"), ROWS)
def test_a_fault_has_its_rows_in_a_table_that_is_empty_in_health(
    board: Board, scene: str, title: str, rows: Rows
) -> None:
    assert board.rows(title, scene) == rows
    assert board.rows(title, HEALTHY) == {}


@pytest.mark.parametrize(("scene", "title", "shown"), FAULTS)
def test_two_environments_are_added_up_but_for_times(
    board: Board, scene: str, title: str, shown: Mapping[str, float]
) -> None:
    factor = 1 if title in NOT_ADDED else 2
    both = board.last(title, f"{scene}|{scene}-{TWIN}")
    assert both == {legend: factor * value for legend, value in shown.items()}


@pytest.mark.parametrize(("scene", "title", "rows"), ROWS)
def test_two_environments_have_one_row_for_a_sku(board: Board, scene: str, title: str, rows: Rows) -> None:
    both = board.rows(title, f"{scene}|{scene}-{TWIN}")
    assert both == {names: {heading: 2 * value for heading, value in row.items()} for names, row in rows.items()}


def test_every_panel_of_a_healthy_inventory_has_data_or_says_what_its_emptiness_means(board: Board) -> None:
    assert board.silent(HEALTHY) == []


def test_every_query_has_data_in_one_scene(board: Board) -> None:
    assert board.never_answered(SCENES) == []


def test_a_location_that_is_not_read_keeps_its_row_without_figures(board: Board) -> None:
    rows = board.rows("Locations at a glance", "unread")
    known = {"Units": 970.0, "SKUs listed": 3.0, "SKUs out": 0.0, "Oversold": 0.0, "Standing drift": 0.0}
    assert rows == {
        (WAREHOUSE,): {"Last read": 1, **known, "Data age": AGE_S},
        (LEEDS,): {"Last read": 1, **known, "Data age": AGE_S},
        (YORK,): {"Last read": 0},
    }
    assert board.rows("Sources", "unread")[YORK,]["Last read"] == 0


def test_what_needs_every_location_is_not_known_while_one_is_not_read(board: Board) -> None:
    for title in ("Only left in a store", "SKUs that run short", "SKUs that sell, and that run short"):
        assert board.last(title, "unread") == {}
        assert "every location" in board.nothing(title)


def test_what_sells_lasts_as_long_as_its_units_at_the_rate_of_sales(board: Board) -> None:
    lasts = board.rows("SKUs that last shortest", "short")
    assert lasts["TEE", "recent"]["Lasts"] == pytest.approx(TEE_SHORT_S)
    assert board.rows("SKUs that last shortest", f"short|short-{TWIN}") == lasts
    assert lasts["MUG", "recent"]["Lasts"] == pytest.approx(3 * 290 / 30 * 28 * 86_400)


def test_of_25_skus_the_twenty_that_last_shortest_are_listed(board: Board) -> None:
    lasts = {sku: row["Lasts"] for (sku, _), row in board.rows("SKUs that last shortest", "crowd").items()}
    in_days = {sku: (100 + n - n) / (200 + n) * 28 for n, sku in enumerate(CROWD, 1)}
    assert lasts == {sku: pytest.approx(in_days[sku] * 86_400) for _, sku in MOST}


def test_every_query_selects_the_environment(board: Board) -> None:
    assert board.answering("nowhere") == []


def test_what_is_of_locations_is_empty_where_none_is_chosen(board: Board) -> None:
    assert board.answering(".*", location="nowhere") == [
        *("Sources down", "Only left in a store", "SKUs that run short", "SKUs that last shortest"),
        *("SKUs that sell, and that run short", "Sources", "Rows left out, SKUs without a series"),
    ]


def test_a_location_that_is_chosen_is_shown_alone(board: Board) -> None:
    assert board.last("Units by location", HEALTHY, location=YORK) == {YORK: 970}
    assert board.rows("Locations at a glance", HEALTHY, location=f"{LEEDS}|{YORK}").keys() == {(LEEDS,), (YORK,)}
    assert board.last("SKUs oversold", "oversold", location=YORK) == {"oversold": 1}
