"""The dashboard "Cost" shows a bill as it is, and what is wrong with it in the panel that names it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana.build import build
from exporters.config import ExportersConfig, subjects
from exporters.context import ExporterContext
from exporters.serving.scrape import Scraper
from slo.documents import validate
from tests.dashboards.grafana.boards.exported import NEEDED, SHOWN_S, STEP_S, Board, Page, Rows, prometheus_of, scrape
from tests.exporters.subjects.cost.bills import NOV, Row, charge, days, write
from tests.exporters.subjects.cost.test_run_windows import write_run

pytestmark = [pytest.mark.heavy, NEEDED]
HEALTHY, TWIN = "healthy", "twin"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST, LAST = datetime(2026, 9, 7, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC)
HOUR_S, DAY_S = 3600.0, 86_400.0
STAGING = {"Tags": '{"environment": "staging"}'}
BILLED_RUN, NEW_RUN = "20261110T000000Z-peak-0001", "20261120T000000Z-peak-0001"
BILL = "cloud USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A bill of 8 a day for Compute and 2 for Storage until `last`, and what else is on it; and what is configured."""

    first: datetime = FIRST
    last: datetime = LAST
    more: tuple[Row, ...] = ()
    budget: str | None = "1000"
    has_counts: bool = True
    has_runs: bool = True
    top: int = 20
    dropped: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        rows: list[Row] = [*self.more]
        day = self.first
        while day <= self.last:
            rows += [*days("8", day, 1, **STAGING), *days("2", day, 1, ServiceName="Storage")]
            rows += [
                row for currency, cost in self.also.items() for row in days(cost, day, 1, BillingCurrency=currency)
            ]
            day += timedelta(days=1)
        columns = [name for name in rows[0] if name not in self.dropped]
        write(folder / "bills" / "bill.csv", rows, columns)
        counted = [f"{date(2026, 11, 1) + timedelta(days=n)},10,2000" for n in range(19)]
        (folder / "counts.csv").write_text("\n".join(["day,orders,requests", *counted]))
        write_run(folder / "runs", BILLED_RUN)
        begun = round(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1e9)
        write_run(folder / "runs", NEW_RUN, started_at=begun, ended_at=begun + 2 * 3600 * 10**9)

    def document(self) -> dict[str, Any]:
        bill: dict[str, Any] = {"path": "bills", "settled_after_s": 0}
        if self.budget:
            bill["budget"] = {"amount": self.budget, "currency": "USD"}
        runs = {"environment": "staging", "tag": {"key": "environment", "value": "staging"}}
        return {
            "bills": {"cloud": bill},
            "top": self.top,
            **({"counts": {"file": "counts.csv"}} if self.has_counts else {}),
            **({"runs": runs} if self.has_runs else {}),
        }

    def pages(self, folder: Path) -> list[Page]:
        """Return what the exporter shows each minute: a bill doesn't change within ten."""
        folder.mkdir()
        self.write(folder)
        document = {"format": "peakproof/exporters/v1", "cost": self.document()}
        now_s = NOW.timestamp()
        context = ExporterContext(
            variables={}, folder=folder, runs=folder / "runs", now=lambda: round(now_s * 1e9)
        )  # fmt: skip
        (subject,) = subjects(validate(document, ExportersConfig, "exporters.yaml"), context)
        text = scrape(Scraper(subject))
        return [Page(at_s=now_s - before_s, text=text) for before_s in range(SHOWN_S, -1, -STEP_S)]


NOV_18 = datetime(2026, 11, 18, tzinfo=UTC)
SCENES = {
    HEALTHY: Bill(),
    "over-budget": Bill(budget="150"),
    "unusual": Bill(more=(charge("5", NOV_18),)),
    "idle": Bill(more=(charge("19", NOV_18, CommitmentDiscountStatus="Unused"),)),
    "credited": Bill(more=(charge("-20", NOV, ChargeCategory="Credit"),)),
    "prepaid": Bill(more=(charge("100", NOV_18, EffectiveCost="0", ChargeCategory="Purchase"),)),
    "old": Bill(last=datetime(2026, 11, 16, tzinfo=UTC)),
    "young": Bill(first=datetime(2026, 11, 16, tzinfo=UTC), budget=None),
    "plain": Bill(
        budget=None, has_counts=False, has_runs=False,
        dropped=("CommitmentDiscountStatus", "CapacityReservationStatus", "ResourceId", "ConsumedQuantity"),
    ),
    "last-month": Bill(last=datetime(2026, 10, 31, tzinfo=UTC), budget=None, has_counts=False),
    "wrong": Bill(more=(charge("NaN"),)),
    "two-currencies": Bill(also={"EUR": "3"}),
    "many-services": Bill(top=1),
}  # fmt: skip


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("cost")
    scenes = {name: bill.pages(folder / name) for name, bill in SCENES.items()}
    with prometheus_of({**scenes, TWIN: scenes[HEALTHY]}, folder) as prometheus:
        yield Board(build()["cost"], prometheus, NOW.timestamp())


IDLE = ("capacity_unused", "commitment_unused", "resource_unused")
NO_IDLE = {f"{reason} ({BILL})": 0.0 for reason in IDLE}
MONTH = {"Billed": 190.0, "Budget": 1000.0, "At least": 300.0, "Forecast": 300.0, "At most": 300.0}
# What each panel shows of 10 USD a day for 19 days, 10 orders and 2,000 requests a day, and a budget of 1,000 USD.
SHOWN: Mapping[str, Mapping[str, float]] = {
    "Billed of the budget": {BILL: 0.19},
    "Forecast of the budget": {BILL: 0.3},
    "Cost of an order now": {BILL: 1},
    "Age of the bill now": {"cloud": 12 * HOUR_S},
    "Month to date and forecast": {f"{BILL} {name.lower()}": amount for name, amount in MONTH.items()},
    "Effective cost of a day by service": {f"Compute ({BILL})": 8, f"Storage ({BILL})": 2},
    "Billed this month by kind of charge": {f"Usage ({BILL})": 190, f"Corrections ({BILL})": 0},
    "Cost of an order": {BILL: 1},
    "Cost of 1,000 requests": {BILL: 5},
    "Idle this month": NO_IDLE,
    "Share that is idle": {BILL: 0},
    "Unusual cost by service": {f"Compute ({BILL})": 0, f"Storage ({BILL})": 0},
    # An hour was billed with 8 USD a day; two more that aren't billed yet are reckoned with the same.
    "All load tests shown": {f"{BILL} billed": 8 / 24, f"{BILL} estimated": 2 * 8 / 24},
    "Age of the bill": {"cloud": 12 * HOUR_S},
    "Age of the last whole day": {"cloud": 2.5 * DAY_S},
    "Services without a series": {BILL: 0},
}
NOT_ADDED = {
    *("Billed of the budget", "Forecast of the budget", "Cost of an order now", "Age of the bill now"),
    *("Cost of an order", "Cost of 1,000 requests", "Share that is idle", "Unusual cost by service"),
    *("Age of the bill", "Age of the last whole day"),
}
ROWS: Mapping[str, Rows] = {
    "Bills and their budgets": {("cloud", "USD"): {**MONTH, "Of budget": 0.3}},
    "Services this month": {
        ("cloud", "USD", "Compute"): {"Billed": 152, "Effective": 152},
        ("cloud", "USD", "Storage"): {"Billed": 38, "Effective": 38},
    },
    "The last day against its weekday": {
        ("cloud", "USD", "Compute"): {"Last day": 8, "Usual": 8, "Score": 0},
        ("cloud", "USD", "Storage"): {"Last day": 2, "Usual": 2, "Score": 0},
    },
    "Load tests": {
        (BILLED_RUN, "cloud", "USD"): {"Billed": 8 / 24},
        (NEW_RUN, "cloud", "USD"): {"Estimate until then": 2 * 8 / 24},
    },
}
# The MAD of days that never moved is taken for 1 % of their median.
SCORE = 0.6745 * 5 / 0.08
# What is wrong with a bill, and what shows it.
FAULTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "over-budget": {
        "Billed of the budget": {BILL: 190 / 150},
        "Forecast of the budget": {BILL: 2},
    },
    "unusual": {
        "Unusual cost by service": {f"Compute ({BILL})": SCORE, f"Storage ({BILL})": 0},
        "Effective cost of a day by service": {f"Compute ({BILL})": 13, f"Storage ({BILL})": 2},
        "Cost of an order": {BILL: 75 / 70},
        "Cost of an order now": {BILL: 75 / 70},
        "Cost of 1,000 requests": {BILL: 75 / 14},
    },
    "idle": {
        "Idle this month": {**NO_IDLE, f"commitment_unused ({BILL})": 19},
        "Share that is idle": {BILL: 19 / 209},
    },
    "credited": {
        "Billed this month by kind of charge": {
            f"Usage ({BILL})": 190,
            f"Credit ({BILL})": -20,
            f"Corrections ({BILL})": 0,
        },
        "Billed of the budget": {BILL: 0.17},
    },
    "old": {
        "Age of the bill now": {"cloud": 3.5 * DAY_S},
        "Age of the bill": {"cloud": 3.5 * DAY_S},
        "Age of the last whole day": {"cloud": 5.5 * DAY_S},
    },
    "young": {title: {} for title in ("Forecast of the budget", "Cost of an order", "Unusual cost by service")},
    "plain": {
        title: {}
        for title in (
            *("Billed of the budget", "Cost of an order now", "Cost of 1,000 requests", "Idle this month"),
            *("Share that is idle", "All load tests shown"),
        )
    },
    "last-month": {
        title: {}
        for title in ("Month to date and forecast", "Billed this month by kind of charge", "Services without a series")
    },
    "many-services": {"Services without a series": {BILL: 1}},
}


def test_every_figure_of_a_bill_is_shown(board: Board) -> None:
    tables = {*ROWS, "Sources"}
    shown = {title: board.last(title, HEALTHY) for title in board.titles if title not in tables}
    assert shown == {title: pytest.approx(figures) for title, figures in SHOWN.items()}


@pytest.mark.parametrize("title", ROWS)
def test_every_row_of_a_bill_is_shown(board: Board, title: str) -> None:
    assert board.rows(title, HEALTHY) == {names: pytest.approx(figures) for names, figures in ROWS[title].items()}


@pytest.mark.parametrize(
    ("scene", "title", "shown"),
    [(scene, title, shown) for scene, changed in FAULTS.items() for title, shown in changed.items()],
)
def test_what_is_wrong_with_a_bill_shows_in_its_panel(
    board: Board, scene: str, title: str, shown: Mapping[str, float]
) -> None:
    assert board.last(title, scene) == pytest.approx(shown)
    assert shown != SHOWN[title]
    assert shown or board.nothing(title)


@pytest.mark.parametrize("title", SHOWN)
def test_two_environments_are_added_up_but_for_ratios_and_times(board: Board, title: str) -> None:
    factor = 1 if title in NOT_ADDED else 2
    expected = {legend: factor * value for legend, value in SHOWN[title].items()}
    assert board.last(title, f"{HEALTHY}|{TWIN}") == pytest.approx(expected)


@pytest.mark.parametrize("title", ROWS)
def test_rows_of_two_environments_are_added_up_but_for_ratios(board: Board, title: str) -> None:
    ratios = {"Of budget", "Score"}
    expected = {
        names: pytest.approx({heading: value * (1 if heading in ratios else 2) for heading, value in row.items()})
        for names, row in ROWS[title].items()
    }
    assert board.rows(title, f"{HEALTHY}|{TWIN}") == expected


def test_an_unusual_day_stands_beside_its_usual_one(board: Board) -> None:
    row = board.rows("The last day against its weekday", "unusual")["cloud", "USD", "Compute"]
    assert row == pytest.approx({"Last day": 13, "Usual": 8, "Score": SCORE})


def test_the_forecast_of_days_that_differ_has_bounds(board: Board) -> None:
    (row,) = board.rows("Bills and their budgets", "unusual").values()
    assert row["Forecast"] == pytest.approx(18 * 10 + 5 + 12 * (28 * 10 + 5) / 28)
    assert row["At least"] < row["Forecast"] < row["At most"]
    lines = board.last("Month to date and forecast", "unusual")
    assert [lines[f"{BILL} {name}"] for name in ("at least", "forecast", "at most")] == pytest.approx(
        [row["At least"], row["Forecast"], row["At most"]]
    )


def test_currencies_are_never_added(board: Board) -> None:
    assert board.last("Cost of an order", "two-currencies") == pytest.approx({"cloud USD": 1, "cloud EUR": 0.3})
    rows = board.rows("Bills and their budgets", "two-currencies")
    assert {names: row["Billed"] for names, row in rows.items()} == {("cloud", "USD"): 190, ("cloud", "EUR"): 57}


def test_a_bill_that_is_not_read_leaves_its_budget_alone_and_says_so(board: Board) -> None:
    assert board.rows("Bills and their budgets", "wrong") == {("cloud", "USD"): {"Budget": 1000}}
    assert board.rows("Sources", "wrong")["cloud",]["Last read"] == 0
    assert board.last("Billed of the budget", "wrong") == {}


@pytest.mark.parametrize("scene", [HEALTHY, "young", "plain", "last-month"])
def test_every_panel_of_a_bill_has_data_or_says_what_its_emptiness_means(board: Board, scene: str) -> None:
    assert board.silent(scene) == []


def test_every_query_selects_the_environment(board: Board) -> None:
    assert board.answering("nowhere") == []


def test_every_query_has_data_in_one_scene(board: Board) -> None:
    assert board.never_answered(SCENES) == []


def test_a_bill_that_is_chosen_is_shown_alone(board: Board) -> None:
    assert board.last("Billed of the budget", HEALTHY, bill="cloud") == pytest.approx({BILL: 0.19})
    assert board.answering(".*", bill="other") == ["Sources"]


def test_what_was_paid_in_advance_is_billed_and_not_yet_a_cost(board: Board) -> None:
    row = board.rows("Services this month", "prepaid")["cloud", "USD", "Compute"]
    assert row == pytest.approx({"Billed": 252, "Effective": 152})
    assert board.rows("Bills and their budgets", "prepaid")["cloud", "USD"]["Billed"] == pytest.approx(290)
    assert board.last("Month to date and forecast", "prepaid")[f"{BILL} billed"] == pytest.approx(290)
    assert board.last("Share that is idle", "prepaid") == pytest.approx({BILL: 0})
