"""A FOCUS bill is summed exactly; one that isn't is refused with file, column, value and what is allowed."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.cost.bill import Period, PeriodTotals
from exporters.subjects.cost.charges import read_charges
from exporters.subjects.cost.config import Tag
from exporters.subjects.cost.exports import exports_at
from tests.exporters.subjects.cost.bills import COLUMNS, NOV, Row, charge, write

SAMPLE = Path(__file__).parents[5] / "shared" / "data" / "focus_1_0_sample.csv"
NOVEMBER = Period(start=NOV, end=datetime(2026, 12, 1, tzinfo=UTC))
STAGING = Tag(key="environment", value="staging")
MONTH = timedelta(days=30)


def totals(folder: Path, *rows: Row, tag: Tag | None = None, currency: str = "USD") -> PeriodTotals:
    (export,) = exports_at(write(folder / "bill.csv", rows), "overwrite")
    return read_charges(export, tag).totals[NOVEMBER, currency]


def refusal(folder: Path, *rows: Row, columns: tuple[str, ...] = COLUMNS, max_rows: int = 1000) -> str:
    (export,) = exports_at(write(folder / "bill.csv", rows, columns), "overwrite")
    with pytest.raises(Unreadable) as refused:
        read_charges(export, max_rows=max_rows)
    return str(refused.value).replace(f"{folder}/", "")


def test_the_sums_of_the_published_sample_are_exact() -> None:
    if not SAMPLE.is_file():
        pytest.skip(f"no {SAMPLE.name} beside the repository")
    expected: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    with SAMPLE.open(newline="") as file:
        for row in csv.DictReader(file):
            sums = expected[row["BillingPeriodStart"], row["ServiceName"]]
            sums[0] += Decimal(row["BilledCost"])
            sums[1] += Decimal(row["EffectiveCost"])
    (export,) = exports_at(SAMPLE, "overwrite")
    charges = read_charges(export)
    found = {
        (f"{period.start:%Y-%m-%d %H:%M:%S}", service): [amounts.billed, amounts.effective]
        for (period, currency), one in charges.totals.items()
        for service, amounts in one.services.items()
        if currency == "USD"
    }
    assert found == expected
    assert sum(one.billed for one in charges.totals.values()) == Decimal("20.520226728990")


def test_credits_and_corrections_count_in_the_bill_and_not_in_what_goes_on(tmp_path: Path) -> None:
    found = totals(
        tmp_path,
        charge("10.5"),
        charge("-2.25", ChargeCategory="Credit"),
        charge("-1", ChargeClass="Correction"),
        charge("7", ChargeCategory="Tax"),
        charge("30", lasts=MONTH),
        charge("100", EffectiveCost="0", ChargeCategory="Purchase"),
    )
    assert found.billed == Decimal("144.25")
    assert found.corrections == -1
    assert found.categories == {
        "Usage": Decimal("39.5"), "Credit": Decimal("-2.25"), "Tax": 7, "Purchase": 100,
    }  # fmt: skip
    assert found.by_day == {date(2026, 11, 1): Decimal("10.5")}
    assert found.fixed == Decimal("133.75")


def test_what_is_charged_for_a_month_is_spread_over_its_days(tmp_path: Path) -> None:
    found = totals(tmp_path, charge("30", lasts=MONTH), charge("2", NOV + timedelta(days=1)))
    assert found.of_days["Compute", date(2026, 11, 1)] == 1
    assert found.of_days["Compute", date(2026, 11, 2)] == 3
    assert len(found.of_days) == 30
    assert sum(found.of_days.values()) == 32


def test_currencies_are_never_added(tmp_path: Path) -> None:
    rows = (charge("1"), charge("5", BillingCurrency="EUR"))
    assert totals(tmp_path, *rows).billed == 1
    assert totals(tmp_path, *rows, currency="EUR").billed == 5


def test_idle_is_an_unused_commitment_an_unused_reservation_and_a_resource_measured_at_none(tmp_path: Path) -> None:
    found = totals(
        tmp_path,
        charge("1", CommitmentDiscountStatus="Unused", ResourceId="plan"),
        charge("2", CommitmentDiscountStatus="Used", ResourceId="used", ConsumedQuantity="1"),
        charge("4", CapacityReservationStatus="Unused", ResourceId="reserved"),
        charge("8", ResourceId="volume", ConsumedQuantity="0"),
        charge("16", ResourceId="volume", ConsumedQuantity="0.0"),
        charge("32", ResourceId="busy", ConsumedQuantity="0"),
        charge("64", ResourceId="busy", ConsumedQuantity="3"),
        charge("128", ResourceId="unmeasured", ConsumedQuantity=None),
        charge("-3", ResourceId="refunded", ConsumedQuantity="0"),
        charge("256", ResourceId="partly", ConsumedQuantity="0"),
        charge("512", ResourceId="partly", ConsumedQuantity=None),
    )
    assert found.idle == {"commitment_unused": 1, "capacity_unused": 4, "resource_unused": 24}


def test_what_the_columns_do_not_tell_is_not_known_to_be_idle(tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [charge()], COLUMNS[:10])
    (export,) = exports_at(path, "overwrite")
    assert read_charges(export).totals[NOVEMBER, "USD"].idle == {}


def test_the_hours_of_tagged_resources_are_their_effective_cost(tmp_path: Path) -> None:
    tags = '{"environment": "staging", "team": "ops"}'
    found = totals(
        tmp_path,
        charge("6", lasts=timedelta(hours=3), Tags=tags),
        charge("1", NOV + timedelta(hours=1), Tags=tags),
        charge("50", Tags='{"environment": "prod"}'),
        charge("50", Tags="not JSON"),
        charge("50", Tags=None),
        tag=STAGING,
    )
    assert found.tagged_hours == {NOV: 2.0, NOV + timedelta(hours=1): 3.0, NOV + timedelta(hours=2): 2.0}


def test_every_format_gives_the_same_charges(tmp_path: Path) -> None:
    rows = [charge("0.1"), charge("1.2E-05", Tags='{"environment": "staging"}'), charge("-3", ChargeCategory="Credit")]
    found = []
    for name in ("a.csv", "b.csv.gz", "c.parquet"):
        (export,) = exports_at(write(tmp_path / name, rows), "overwrite")
        found.append(read_charges(export, STAGING))
    assert found[0] == found[1] == found[2]
    assert found[0].totals[NOVEMBER, "USD"].billed == Decimal("-2.899988")


def test_parquet_with_types_is_read_as_its_text(tmp_path: Path) -> None:
    times = {"BillingPeriodStart": NOV, "BillingPeriodEnd": NOVEMBER.end, "ChargePeriodStart": NOV}
    row: dict[str, Any] = {**charge(), **times, "ChargePeriodEnd": NOV + timedelta(hours=1), "BilledCost": 0.1}
    row["EffectiveCost"] = Decimal("0.20")
    table = {name: pa.array([value]) for name, value in row.items() if value is not None}
    table["ChargeClass"] = pa.array([None], pa.string())
    table["Tags"] = pa.array([[("environment", "staging")]], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table(table), tmp_path / "bill.parquet")
    (export,) = exports_at(tmp_path / "bill.parquet", "overwrite")
    found = read_charges(export, STAGING).totals[NOVEMBER, "USD"]
    assert found.billed == Decimal("0.1")
    assert found.tagged_hours == {NOV: 0.2}


@pytest.mark.parametrize("start", ["2026-11-01 00:00:00", "2026-11-01T00:00Z", "2026-11-01 00:00:00 UTC", "2026-11-01"])
def test_times_are_read_as_the_large_providers_write_them(tmp_path: Path, start: str) -> None:
    assert totals(tmp_path, charge("3", ChargePeriodStart=start)).by_day == {date(2026, 11, 1): 3}


def test_parts_of_one_export_are_one_bill_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    write(tmp_path / "part-1.csv", [charge("1", ResourceId="a", ConsumedQuantity="0")])
    write(tmp_path / "part-2.csv.gz", [charge("2", ResourceId="a", ConsumedQuantity="1")], reversed(COLUMNS))
    (export,) = exports_at(tmp_path, "overwrite")
    found = read_charges(export).totals[NOVEMBER, "USD"]
    assert (found.billed, found.idle["resource_unused"]) == (Decimal(3), Decimal(0))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"BilledCost": None}, "BilledCost: expected a decimal number, found null"),
    ({"BilledCost": "NaN"}, "BilledCost: expected a decimal number, found 'NaN'"),
    ({"EffectiveCost": "inf"}, "EffectiveCost: expected a decimal number, found 'inf'"),
    ({"EffectiveCost": "1,5"}, "EffectiveCost: expected a decimal number, found '1,5'"),
    ({"ConsumedQuantity": "much"}, "ConsumedQuantity: expected a number, found 'much'"),
    ({"BillingCurrency": "dollars"}, "BillingCurrency: expected a code of ISO 4217, found 'dollars'"),
    ({"BillingCurrency": None}, "BillingCurrency: expected a code of ISO 4217, found null"),
    (
        {"ChargeCategory": "Fee"},
        "ChargeCategory: expected one of Usage, Purchase, Tax, Credit, Adjustment, found 'Fee'",
    ),
    ({"ChargeClass": "Regular"}, "ChargeClass: expected null or Correction, found 'Regular'"),
    ({"ServiceName": None}, "ServiceName: expected 1 to 200 characters, found null"),
    ({"ServiceName": "x" * 201}, f"ServiceName: expected 1 to 200 characters, found '{'x' * 60}'"),
    ({"ChargePeriodStart": "yesterday"}, "ChargePeriodStart: expected a time in UTC, as ISO 8601 has it"),
    ({"ChargePeriodEnd": "2026-11-01T01:00:00+02:00"}, "ChargePeriodEnd: expected a time in UTC, as ISO 8601 has it"),
    ({"ChargePeriodEnd": "2026-11-01T00:00:00Z"}, "ChargePeriodEnd: expected a time after ChargePeriodStart"),
    (
        {"ChargePeriodEnd": "2099-11-01T00:00:00Z"},
        "ChargePeriodEnd: expected at most 1100 days after ChargePeriodStart",
    ),
    ({"BillingPeriodEnd": "2026-11-01T00:00:00Z"}, "BillingPeriodEnd: expected a time after BillingPeriodStart"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_one_wrong_value_refuses_the_bill(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    assert refusal(tmp_path, charge(), charge(**changed)) == f"bill.csv: {message}"


def test_a_file_without_the_columns_is_no_bill(tmp_path: Path) -> None:
    columns = tuple(name for name in COLUMNS if name not in ("EffectiveCost", "ChargeClass"))
    assert refusal(tmp_path, charge(), columns=columns) == (
        "bill.csv: no column EffectiveCost, ChargeClass; expected a bill in the FOCUS format, 1.0 to 1.2"
    )


def test_a_bill_without_a_row_or_without_end_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "bill.csv: holds no charge"
    assert refusal(tmp_path, *[charge()] * 5, max_rows=4) == "bill.csv: more than the 4 rows allowed"


def test_a_million_names_are_refused_as_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.subjects.cost.charges.MAX_SERVICES", 2)
    rows = [charge(ServiceName=name) for name in "abc"]
    assert refusal(tmp_path, *rows) == "bill.csv: ServiceName: 3 different values, more than the 2 allowed"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bill.csv.gz", b"\x1f\x8b\x08\x00broken"),
        ("bill.parquet", b"PAR1 and no more"),
        ("bill.csv", b'"BilledCost,\x00\xff\n"'),
        ("bill.csv", b""),
    ],
)
def test_a_file_that_is_broken_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (export,) = exports_at(tmp_path / name, "overwrite")
    with pytest.raises(Unreadable) as refused:
        read_charges(export)
    assert str(refused.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(refused.value)
