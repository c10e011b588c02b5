"""Bills in the FOCUS format, written row by row."""

import csv
import gzip
import io
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = (
    *("BilledCost", "EffectiveCost", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory"),
    *("ChargeClass", "ChargePeriodStart", "ChargePeriodEnd", "ServiceName", "CommitmentDiscountStatus"),
    *("CapacityReservationStatus", "ResourceId", "ConsumedQuantity", "Tags"),
)
NOV = datetime(2026, 11, 1, tzinfo=UTC)
Row = Mapping[str, str | None]


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def charge(cost: str = "1", start: datetime = NOV, lasts: timedelta = timedelta(hours=1), **changed: Any) -> Row:
    """Return a row of usage whose both costs are `cost`, in the calendar month of its start."""
    month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (month + timedelta(days=32)).replace(day=1)
    row = {
        "BilledCost": cost, "EffectiveCost": cost, "BillingCurrency": "USD",
        "BillingPeriodStart": iso(month), "BillingPeriodEnd": iso(after), "ChargeCategory": "Usage",
        "ChargePeriodStart": iso(start), "ChargePeriodEnd": iso(start + lasts), "ServiceName": "Compute",
    }  # fmt: skip
    return {**dict.fromkeys(COLUMNS), **row, **changed}


def days(cost: str, first: datetime, count: int, **changed: Any) -> list[Row]:
    """Return a row for each of so many days."""
    return [charge(cost, first + timedelta(days=n), timedelta(days=1), **changed) for n in range(count)]


def write(path: Path, rows: Iterable[Row], columns: Iterable[str] = COLUMNS, at: datetime | None = None) -> Path:
    """Write a bill, in the format that its name says; `at` is when it was last written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(columns)
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}), path)
    else:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        writer.writerows(["" if row[name] is None else row[name] for name in names] for row in rows)
        data = text.getvalue().encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    if at is not None:
        os.utime(path, (at.timestamp(), at.timestamp()))
    return path
