"""Of each billing period the newest export counts, once, however it is delivered; a bill in doubt is no bill."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.cost import source as source_module
from exporters.subjects.cost.bill import Bill
from exporters.subjects.cost.charges import read_charges
from exporters.subjects.cost.config import BillConfig, Delivery
from exporters.subjects.cost.exports import exports_at
from exporters.subjects.cost.source import BillSource
from tests.exporters.subjects.cost.bills import NOV, charge, days, write

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCT = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = Deadline(at=0.0)


def source(
    folder: Path,
    delivery: str = "overwrite",
    now: datetime = NOW,
    settled_after_s: float = 0,
    clock: Callable[[], datetime] | None = None,
    **more: Any,
) -> BillSource:
    config = BillConfig.model_validate(
        {"path": "bills", "delivery": delivery, "settled_after_s": settled_after_s, **more}
    )
    context = ExporterContext(
        variables={},
        folder=folder,
        runs=folder / "runs",
        now=lambda: round((clock() if clock else now).timestamp() * 1e9),
    )
    return BillSource(config, None, context)


def billed(bill: Bill) -> Mapping[date, Any]:
    return bill.ledgers["USD"].by_day


def at(hour: int) -> datetime:
    return datetime(2026, 11, 19, hour, tzinfo=UTC)


def test_a_folder_that_grows_by_file_is_read_as_it_is_and_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counting(export: Any, tag: Any) -> Any:
        read.append(export.place.name)
        return read_charges(export, tag)

    monkeypatch.setattr(source_module, "read_charges", counting)
    one = source(tmp_path)
    write(tmp_path / "bills" / "BILLING_PERIOD=2026-10" / "bill-1.csv.gz", days("1", OCT, 31))
    write(tmp_path / "bills" / "BILLING_PERIOD=2026-11" / "bill-1.csv.gz", days("2", NOV, 18))
    assert sum(billed(one.read(LONG_AGO)).values()) == 31 + 36
    write(tmp_path / "bills" / "BILLING_PERIOD=2026-11" / "bill-2.csv.gz", days("3", NOV, 1))
    assert sum(billed(one.read(LONG_AGO)).values()) == 31 + 39
    assert read[2:] == ["BILLING_PERIOD=2026-11"]
    assert sorted(read[:2]) == ["BILLING_PERIOD=2026-10", "BILLING_PERIOD=2026-11"]


def test_a_file_that_is_overwritten_replaces_its_charges(tmp_path: Path) -> None:
    one = source(tmp_path)
    write(tmp_path / "bills" / "november.csv", days("2", NOV, 18))
    assert sum(billed(one.read(LONG_AGO)).values()) == 36
    write(tmp_path / "bills" / "november.csv", days("2.5", NOV, 18))
    assert sum(billed(one.read(LONG_AGO)).values()) == 45


@pytest.mark.parametrize(("delivery", "name"), [("new-folder", "{}/part-1.csv"), ("new-file", "bill-{}.csv")])
def test_the_newest_export_of_a_billing_period_supersedes_the_older_ones(
    tmp_path: Path, delivery: str, name: str
) -> None:
    folder = tmp_path / "bills"
    write(folder / name.format("c"), days("9", NOV, 17), at=at(1))
    write(folder / name.format("a"), days("2", NOV, 18), at=at(9))
    write(folder / name.format("b"), days("1", OCT, 31), at=at(5))
    found = source(tmp_path, delivery).read(LONG_AGO)
    assert sum(billed(found).values()) == 31 + 36
    assert found.newest == NOV + timedelta(days=18)


def test_what_newer_exports_supersede_is_kept_no_longer(tmp_path: Path) -> None:
    one, first = source(tmp_path, "new-file"), datetime(2026, 9, 1, tzinfo=UTC)
    for number in range(3):
        write(tmp_path / "bills" / f"{number}.csv", days("1", first, 80), at=at(number))
        one.read(LONG_AGO)
    assert list(one._read) == [tmp_path / "bills" / "2.csv"]


def test_an_older_export_still_counts_for_the_period_that_the_newer_one_does_not_hold(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "a.csv", [*days("1", OCT, 31), *days("9", NOV, 1)], at=at(1))
    write(tmp_path / "bills" / "b.csv", days("2", NOV, 2), at=at(2))
    assert sum(billed(source(tmp_path, "new-file").read(LONG_AGO)).values()) == 31 + 4


def test_two_folders_of_one_period_are_refused_where_files_are_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "a" / "bill.csv", days("1", NOV, 1), at=at(1))
    write(tmp_path / "bills" / "b" / "bill.csv", days("1", NOV, 1), at=at(2))
    folder = tmp_path / "bills"
    with pytest.raises(Unreadable) as refused:
        source(tmp_path).read(LONG_AGO)
    assert str(refused.value) == (
        f"{folder}: {folder / 'b'} and {folder / 'a'} both hold the billing period from 2026-11-01;"
        " delivery: new-folder or new-file takes the newest"
    )


def refused(one: BillSource) -> str:
    with pytest.raises(Unreadable) as refusal:
        one.read(LONG_AGO)
    return str(refusal.value)


@pytest.mark.parametrize("delivery", ["overwrite", "new-folder", "new-file"])
def test_billing_periods_that_overlap_are_refused_and_not_added(tmp_path: Path, delivery: str) -> None:
    bills = tmp_path / "bills"
    write(bills / "a" / "bill.csv", days("1", NOV, 10))
    write(bills / "b" / "bill.csv", days("1", NOV, 10, BillingPeriodEnd="2026-11-30T23:59:59Z"), at=OCT)
    places = ("a/bill.csv", "b/bill.csv") if delivery == "new-file" else ("a", "b")
    assert refused(source(tmp_path, delivery)) == (
        f"{bills / places[0]}: the billing period from 2026-11-01 to 2026-12-01T00:00:00Z overlaps the one from"
        f" 2026-11-01 to 2026-11-30T23:59:59Z in {bills / places[1]};"
        " bills of several accounts are sources of their own"
    )


def test_a_part_that_is_there_compressed_and_not_is_refused_and_not_added(tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    write(bills / "part-1.csv", days("1", NOV, 10))
    write(bills / "part-1.csv.gz", days("1", NOV, 10))
    assert refused(source(tmp_path)) == (
        f"{bills / 'part-1.csv.gz'}: the same part as part-1.csv by its name; expected one of them"
    )


def test_a_budget_in_a_currency_that_the_bill_is_not_in_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "a.csv", days("1", NOV, 10))
    assert refused(source(tmp_path, budget={"amount": "10", "currency": "EUR"})) == (
        f"{tmp_path / 'bills'}: budget.currency is EUR, but the bill is in USD"
    )


def places(one: BillSource, folder: Path, delivery: Delivery) -> dict[str, Any]:
    """Return the sum of what is read now, by the export's name."""
    read = one._newest_first(exports_at(folder / "bills", delivery))
    return {place.name: next(iter(charges.totals.values())).billed for place, charges in read}


def touched(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_ctime, UTC)


def test_a_file_that_is_being_written_is_not_read_and_its_last_version_stands(tmp_path: Path) -> None:
    clock = [NOW]
    one = source(tmp_path, clock=lambda: clock[0], settled_after_s=300)
    path = write(tmp_path / "bills" / "november.csv", days("2", NOV, 18))
    clock[0] = touched(path) + timedelta(seconds=299)
    with pytest.raises(Unreadable) as refused:
        places(one, tmp_path, "overwrite")
    assert str(refused.value) == f"{tmp_path / 'bills'}: is being written"
    clock[0] += timedelta(seconds=2)
    assert places(one, tmp_path, "overwrite") == {"bills": 36}
    write(path, days("5", NOV, 18))
    clock[0] = touched(path) + timedelta(seconds=299)
    assert places(one, tmp_path, "overwrite") == {"bills": 36}
    clock[0] += timedelta(seconds=2)
    assert places(one, tmp_path, "overwrite") == {"bills": 90}


def test_a_file_that_is_written_while_it_is_read_is_no_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "bills" / "november.csv", days("2", NOV, 18))

    def slowly(export: Any, tag: Any) -> Any:
        charges = read_charges(export, tag)
        write(path, days("5", NOV, 18))
        return charges

    monkeypatch.setattr(source_module, "read_charges", slowly)
    one = source(tmp_path)
    with pytest.raises(Unreadable) as refused:
        one.read(LONG_AGO)
    assert str(refused.value) == f"{tmp_path / 'bills'}: was written while it was read"
    monkeypatch.undo()
    assert sum(billed(one.read(LONG_AGO)).values()) == 90


def test_of_new_exports_one_that_is_being_written_waits_and_the_one_before_it_counts(tmp_path: Path) -> None:
    old = write(tmp_path / "bills" / "a.csv", days("2", NOV, 18))
    new = write(tmp_path / "bills" / "b.csv", days("5", NOV, 18))
    now = touched(old) + timedelta(seconds=301)
    os.utime(new, (now.timestamp(), now.timestamp()))
    one = source(tmp_path, "new-file", clock=lambda: now, settled_after_s=300)
    assert places(one, tmp_path, "new-file") == {"a.csv": 36}


def test_a_day_that_is_missing_is_a_gap_and_no_day_that_cost_nothing(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "bill.csv", [*days("1", OCT, 40), *days("1", OCT + timedelta(days=41), 9)])
    found = source(tmp_path).read(LONG_AGO)
    assert found.newest == NOV + timedelta(days=19)
    complete = found.complete_days(24)
    assert (complete[0], complete[-1]) == (date(2026, 11, 11), date(2026, 11, 18))


def test_charges_count_as_come_in_a_while_after_the_day(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "bill.csv", [*days("1", NOV, 18), charge("1", NOV + timedelta(days=18))])
    found = source(tmp_path).read(LONG_AGO)
    assert found.complete_days(1)[-1] == date(2026, 11, 18)
    assert found.complete_days(24)[-1] == date(2026, 11, 17)


def test_a_month_of_which_nothing_is_billed_yet_is_unknown_and_not_zero(tmp_path: Path) -> None:
    write(tmp_path / "bills" / "october.csv", days("1", OCT, 31))
    found = source(tmp_path, now=NOV + timedelta(hours=3)).read(LONG_AGO)
    assert (found.period, found.ledgers["USD"].month) == (None, None)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "bills: can't be read: No such file or directory"),
    ({"bills/readme.txt": []}, "bills: no bill; expected files that end in .csv, .csv.gz, .parquet"),
    ({"bills/.part.csv": days("1", NOV, 1)}, "bills: no bill; expected files that end in .csv, .csv.gz, .parquet"),
    ({"bills/a*.csv": days("1", NOV, 1)}, "bills/a*.csv: a path may not hold *"),
    (
        {"bills/old.csv": days("1", datetime(2026, 8, 1, tzinfo=UTC), 31)},
        "bills: its newest billing period ended more than 75 days ago",
    ),
    (
        {"bills/ahead.csv": days("1", datetime(2026, 12, 1, tzinfo=UTC), 2)},
        "bills: ChargePeriodEnd: 2026-12-03T00:00:00Z lies ahead",
    ),
]


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_what_is_no_bill_is_refused(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    for name, rows in files.items():
        write(tmp_path / name, rows)
    with pytest.raises(Unreadable) as refused:
        source(tmp_path).read(LONG_AGO)
    assert str(refused.value).replace(f"{tmp_path}/", "") == message


def test_a_pipe_is_no_bill(tmp_path: Path) -> None:
    (tmp_path / "bills").mkdir()
    os.mkfifo(tmp_path / "bills" / "bill.csv")
    with pytest.raises(Unreadable, match=r"bill\.csv: is no file$"):
        source(tmp_path).read(LONG_AGO)
