"""The dashboard "Business" shows a shop that sells as it should, and each fault in the panel that names it."""

from collections.abc import Iterator, Mapping

import pytest

from dashboards.grafana.build import build
from tests.dashboards.grafana.boards.exported import NEEDED, SHOWN_S, Board, Rows, prometheus_of
from tests.dashboards.grafana.boards.shop import FAULT_S, HOUR_S, NOW_S, TOTAL_CENTS, Shop

pytestmark = [pytest.mark.heavy, NEEDED]
HEALTHY, TWIN = "healthy", "twin"
SCENES = {
    HEALTHY: Shop(),
    "stopped": Shop(stops=True),
    "declined": Shop(declines="processor_down"),
    "pending": Shop(leaves_pending=True),
    "lost-payments": Shop(loses_payments=True),
    "not-printed": Shop(prints=False),
    "overdue": Shop(ships_after_s=None),
    "late": Shop(ships_after_s=5400),
    "cheap": Shop(lately_cents=TOTAL_CENTS // 3),
    "rush": Shop(lately_cents=2 * TOTAL_CENTS),
    "bare": Shop(bare=True),
    "young": Shop(since_s=NOW_S - 3 * HOUR_S),
    "tested": Shop(test="20261127T120000Z-peak-0001"),
    "many-reasons": Shop(decline_reasons=25),
}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("business")
    scenes = {name: shop.pages() for name, shop in SCENES.items()}
    with prometheus_of({**scenes, TWIN: scenes[HEALTHY]}, folder) as prometheus:
        yield Board(build()["business"], prometheus, NOW_S)


# What each panel shows of a healthy shop; 16 orders a minute, of which 12 are paid with 30.00 each.
SHOWN: Mapping[str, Mapping[str, float]] = {
    "Orders a minute now": {"placed": 16},
    "Against last week": {"of last week's": 1},
    "Revenue a minute now": {"accepted": 360},
    "At risk a minute now": {"at risk": 0},
    "Oldest to print": {"oldest": 50},
    "Orders overdue": {"overdue": 0},
    "Orders a minute": {"now": 16, "a week before": 16, "expected": 16},
    "Revenue a minute": {"now": 360, "a week before": 360, "expected": 360},
    "Revenue at risk a minute": {"at risk": 0},
    "Behind in all": {"behind": 0},
    "Orders by how they end": {"accepted": 12, "declined": 4, "failed": 0, "cancelled": 0},
    "Orders not paid yet": {"pending": 0},
    "Declined orders by reason": {"card_declined": 4},
    "Payments that aren't captured": {
        **{f"{provider} {status}": 0 for provider in ("blue", "red") for status in ("failed", "cancelled")},
        "blue declined": 0,
        "red declined": 0.5,
    },
    "Payments and orders": {"payments captured": 12, "orders accepted": 12},
    "Captured without an order": {"of the payments captured": 0},
    "Sessions by step of the funnel": {"session": 2400, "cart": 480, "order": 120},
    "Sessions a second by step": {"session": 4, "cart": 0.8, "order": 0.2},
    "Conversion": {"now": 16 / 240, "all": 0.05},
    "Cart abandonment": {"abandoned": 0.75},
    "Print queue": {"waiting": 12},
    "Age of the print queue": {"oldest": 50},
    "Late orders": {"overdue": 0, "shipped late": 0},
    # Between a quarter and a half of the promised hour, as read from the buckets.
    "Time to ship": {"p50": 1350, "p95": 1755},
    "Orders by location": {"leeds": 8, "york": 4},
    "Age of the records": {"records read": 0, "newest order": 5},
    "Left out of the figures": {},
}
NOT_ADDED = {
    *("Against last week", "Oldest to print", "Payments that aren't captured", "Captured without an order"),
    *("Conversion", "Cart abandonment", "Age of the print queue", "Time to ship", "Age of the records"),
}
NOT_GIVEN = "What the shop's records don't give"
NO_REVENUE: Mapping[str, Mapping[str, float]] = {
    "Revenue a minute now": {"accepted": 0},
    "At risk a minute now": {"at risk": 360},
    "Revenue at risk a minute": {"at risk": 360},
    "Behind in all": {"behind": 360 * SHOWN_S / 60},
}
UNKNOWN: Mapping[str, Mapping[str, float]] = {
    title: {}
    for title in (
        *("Oldest to print", "Orders overdue", "Declined orders by reason", "Time to ship"),
        *("Payments that aren't captured", "Sessions by step of the funnel", "Sessions a second by step", "Conversion"),
        *("Cart abandonment", "Print queue", "Age of the print queue", "Late orders", "Captured without an order"),
    )
}
# What a fault changes, and where.
FAULTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "stopped": {
        **NO_REVENUE,
        "Orders a minute now": {"placed": 0},
        "Against last week": {"of last week's": 0},
        "Orders a minute": {"now": 0, "a week before": 16, "expected": 16},
        "Conversion": {"now": 0, "all": 0.05},
        "Print queue": {"waiting": 0},
        "Oldest to print": {"oldest": 0},
        "Orders by location": {"leeds": 0, "york": 0},
        "Age of the records": {"records read": 0, "newest order": FAULT_S + 5},
    },
    "declined": {
        **NO_REVENUE,
        "Orders by how they end": {"accepted": 0, "declined": 16, "failed": 0, "cancelled": 0},
        "Declined orders by reason": {"card_declined": 0, "processor_down": 16},
        "Payments that aren't captured": {
            **SHOWN["Payments that aren't captured"],
            "blue declined": 1,
            "red declined": 1,
        },
    },
    "pending": {
        **NO_REVENUE,
        "Orders not paid yet": {"pending": 12 * FAULT_S / 60},
        "Orders by how they end": {"accepted": 0, "declined": 4, "failed": 0, "cancelled": 0},
    },
    "lost-payments": {
        **NO_REVENUE,
        "Payments and orders": {"payments captured": 12, "orders accepted": 0},
        "Captured without an order": {"of the payments captured": 1},
    },
    "not-printed": {
        "Oldest to print": {"oldest": FAULT_S - 10},
        "Print queue": {"waiting": 12 * FAULT_S / 60},
        "Age of the print queue": {"oldest": FAULT_S - 10},
    },
    # An hour is promised, and those of the hour before it are still there.
    "overdue": {
        "Orders overdue": {"overdue": 12 * 60},
        "Late orders": {"overdue": 12 * 60, "shipped late": 0},
        "Time to ship": {},
    },
    # An hour is promised, an hour and a half is what it takes: between 1.25 and 1.5 of the promise.
    "late": {
        "Orders overdue": {"overdue": 12 * 30},
        "Late orders": {"overdue": 12 * 30, "shipped late": 12 * SHOWN_S / 60},
        "Time to ship": {"p50": 4950, "p95": 5355},
    },
    # Orders of a third: what is usual is that of the day before.
    "cheap": {
        "Revenue a minute now": {"accepted": 120},
        "Revenue a minute": {"now": 120, "a week before": 360, "expected": 360},
        "At risk a minute now": {"at risk": 240},
        "Revenue at risk a minute": {"at risk": 240},
        "Behind in all": {"behind": 240 * SHOWN_S / 60},
    },
    "bare": UNKNOWN,
    "young": {
        "Against last week": {},
        "Orders a minute": {"now": 16},
        "Revenue a minute": {"now": 360},
        "At risk a minute now": {},
        "Revenue at risk a minute": {},
        "Behind in all": {},
    },
    "tested": {
        "Orders a minute now": {"placed": 0},
        "Left out of the figures": {"orders: test": 16 * SHOWN_S / 60},
    },
    "many-reasons": {"Left out of the figures": {"values of reason": 5}},
}


def test_a_healthy_shop_s_figures_are_those_of_its_records(board: Board) -> None:
    tables = {NOT_GIVEN, "Sources"}
    shown = {title: board.last(title, HEALTHY) for title in board.titles if title not in tables}
    assert shown == {title: pytest.approx(figures) for title, figures in SHOWN.items()}


@pytest.mark.parametrize(
    ("scene", "title", "shown"),
    [(scene, title, shown) for scene, changed in FAULTS.items() for title, shown in changed.items()],
)
def test_a_fault_changes_the_panel_that_names_it(
    board: Board, scene: str, title: str, shown: Mapping[str, float]
) -> None:
    assert board.last(title, scene) == pytest.approx(shown)
    assert shown != SHOWN[title]


def test_every_panel_of_a_healthy_shop_has_data_or_says_what_its_emptiness_means(board: Board) -> None:
    assert board.silent(HEALTHY) == []


@pytest.mark.parametrize("scene", ["bare", "young"])
def test_what_the_records_do_not_give_is_empty_and_said(board: Board, scene: str) -> None:
    empty = [title for title, shown in FAULTS[scene].items() if not shown]
    assert empty
    assert [title for title in empty if not board.nothing(title)] == []
    assert board.silent(scene) == []


def test_every_query_selects_the_environment(board: Board) -> None:
    assert board.answering("nowhere") == []


def test_every_query_has_data_in_one_scene(board: Board) -> None:
    assert board.never_answered(SCENES) == []


def test_the_parts_that_the_records_do_not_give_are_listed(board: Board) -> None:
    parts = ("decline", "due_at", "funnel", "payments", "printed_at", "shipped_at")
    expected: Rows = {(part,): {"Given": 1} for part in parts}
    assert board.rows(NOT_GIVEN, "bare") == expected
    assert board.rows(NOT_GIVEN, HEALTHY) == {("due_at",): {"Given": 1}}


def test_the_sources_that_are_declared_are_listed(board: Board) -> None:
    read = {names: row["Last read"] for names, row in board.rows("Sources", HEALTHY).items()}
    assert read == {("orders",): 1, ("payments",): 1, ("funnel",): 1}


def test_an_order_that_is_not_paid_yet_is_an_order(board: Board) -> None:
    assert board.last("Orders a minute now", "pending") == pytest.approx({"placed": 16})
    assert board.last("Against last week", "pending") == pytest.approx({"of last week's": 1})


@pytest.mark.parametrize("title", [title for title, shown in SHOWN.items() if shown])
def test_two_environments_are_added_up_but_for_ratios_and_times(board: Board, title: str) -> None:
    factor = 1 if title in NOT_ADDED else 2
    expected = {legend: factor * value for legend, value in SHOWN[title].items()}
    assert board.last(title, f"{HEALTHY}|{TWIN}") == pytest.approx(expected)


def test_what_is_at_risk_in_all_environments_is_the_sum_of_each(board: Board) -> None:
    """Revenue at risk is reckoned for each environment: one that sells well makes up for no other."""
    for title, per_minute in (("At risk a minute now", 1), ("Behind in all", SHOWN_S / 60)):
        (at_risk,) = board.last(title, "stopped|rush").values()
        assert at_risk == pytest.approx(360 * per_minute)
    assert board.last("At risk a minute now", "stopped|healthy") == {"at risk": pytest.approx(360)}
    assert board.last("At risk a minute now", "stopped|declined") == {"at risk": pytest.approx(720)}
    assert board.last("At risk a minute now", "stopped|young") == {"at risk": pytest.approx(360)}
