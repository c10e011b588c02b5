"""Sums the charges of one export with DuckDB in bounded memory: files are streamed into a table, then grouped.

What exceeds the memory goes to a temporary folder. Sums are exact: amounts are decimals of 18 places. A file that isn't
a FOCUS bill is refused whole, for a bill in part is a wrong bill.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from exporters.serving.source import Unreadable
from exporters.subjects.cost.bill import Amounts, Charges, Period, PeriodTotals, utc
from exporters.subjects.cost.columns import CAPACITY, COMMITMENT, QUANTITY, REQUIRED, RESOURCE, TAGS, charge_sql
from exporters.subjects.cost.config import Tag
from exporters.subjects.cost.exports import Export

MAX_ROWS = 50_000_000
MAX_SERVICES, MAX_CURRENCIES = 10_000, 10
MEMORY_MIB, DISK_GIB = 512, 20
_MAX_GROUPS = 1_000_000
_MAX_MESSAGE = 300
_CSV = (
    "read_csv(?, header = true, all_varchar = true, nullstr = ['', 'NULL'], delim = ',', quote = '\"', escape = '\"',"
    " filename = true, hive_partitioning = false)"
)
_PARQUET = "read_parquet(?, filename = true, hive_partitioning = false)"
# Usage that is charged by the day or finer, in this billing period for itself.
_RUNNING = "category = 'Usage' AND class IS NULL AND ends_at - starts_at <= INTERVAL 1 DAY"
_OWN = "coalesce(class, '') <> 'Correction'"
_USED = "coalesce(commitment, '') <> 'Unused' AND coalesce(capacity, '') <> 'Unused'"
Key = tuple[Period, str]


def read_charges(export: Export, tag: Tag | None = None, max_rows: int = MAX_ROWS) -> Charges:
    """Read an export; raises Unreadable naming file, column, value and what is allowed."""
    place = export.files[0].path if len(export.files) == 1 else export.place
    with _database() as database:
        columns = []
        for file in export.files:
            with _refused(file.path):
                columns.append(_load(database, file.path, tag, max_rows))
        common = frozenset.intersection(*columns)
        with _refused(place):
            _check(database, place)
            return _summed(database, common, has_tags=tag is not None and TAGS in common)


@contextmanager
def _refused(place: Path) -> Iterator[None]:
    """Turn DuckDB's errors into one line, without its quotation of the query."""
    try:
        yield
    except duckdb.Error as error:
        words = " ".join(str(error).partition("\nLINE ")[0].split())[:_MAX_MESSAGE]
        raise Unreadable(f"{place}: can't be read as a bill: {words}") from error


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="peakproof-bill-") as folder:
        settings: dict[str, Any] = {
            "memory_limit": f"{MEMORY_MIB}MiB", "threads": 2, "temp_directory": folder,
            "max_temp_directory_size": f"{DISK_GIB}GiB", "preserve_insertion_order": False,
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }  # fmt: skip
        with duckdb.connect(config=settings) as database:
            yield database


def _load(database: duckdb.DuckDBPyConnection, path: Path, tag: Tag | None, max_rows: int) -> frozenset[str]:
    """Add a file's charges to the table; return its columns."""
    rows = _PARQUET if path.name.endswith(".parquet") else _CSV
    described = database.execute(f"DESCRIBE SELECT * FROM {rows}", [[str(path)]]).fetchall()  # noqa: S608 - ours
    columns = frozenset(str(row[0]) for row in described)
    if missing := [name for name in REQUIRED if name not in columns]:
        raise Unreadable(f"{path}: no column {', '.join(missing)}; expected a bill in the FOCUS format, 1.0 to 1.2")
    key, value = ("", "") if tag is None else (f'$."{tag.key}"', tag.value)
    first = not database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'charge'").fetchall()
    into = "CREATE TABLE charge AS" if first else "INSERT INTO charge"
    query = f"{into} {charge_sql(rows, columns)} LIMIT {max_rows + 1}"
    database.execute(query, [key or "$", value, [str(path)]])
    if _one(database, "SELECT count(*) FROM charge")[0] > max_rows:
        raise Unreadable(f"{path}: more than the {max_rows} rows allowed")
    return columns


def _check(database: duckdb.DuckDBPyConnection, place: Path) -> None:
    """Raise Unreadable for a row that isn't a charge, for no row, and for names without end."""
    wrong = database.execute("SELECT filename, error FROM charge WHERE error IS NOT NULL LIMIT 1").fetchall()
    if wrong:
        raise Unreadable(f"{wrong[0][0]}: {wrong[0][1]}"[:_MAX_MESSAGE])
    rows, services, currencies = _one(
        database, "SELECT count(*), count(DISTINCT service), count(DISTINCT currency) FROM charge"
    )
    if not rows:
        raise Unreadable(f"{place}: holds no charge")
    for found, most, name in ((services, MAX_SERVICES, "ServiceName"), (currencies, MAX_CURRENCIES, "BillingCurrency")):
        if found > most:
            raise Unreadable(f"{place}: {name}: {found} different values, more than the {most} allowed")


def _summed(database: duckdb.DuckDBPyConnection, columns: frozenset[str], *, has_tags: bool) -> Charges:
    services = _grouped(database, "service, sum(billed), sum(effective)", "service")
    categories = _grouped(database, "category, sum(billed)", "category")
    corrections = _grouped(database, "sum(billed) FILTER (class = 'Correction')", "")
    by_day = _grouped(database, "starts_at::DATE, sum(billed)", "starts_at::DATE", _RUNNING)
    idle = _idle(database, columns)
    of_days = _of_days(database)
    hours = _tagged_hours(database) if has_tags else {}
    totals = {
        key: PeriodTotals(
            services={name: Amounts(billed=billed, effective=effective) for name, billed, effective in rows},
            categories=dict(categories[key]),
            corrections=corrections[key][0][0] or Decimal(0),
            by_day=dict(by_day.get(key, [])),
            of_days={(service, day): amount for service, day, amount in of_days.get(key, [])},
            idle=idle.get(key, {}),
            tagged_hours={utc(hour): cost for hour, cost in hours.get(key, [])},
        )
        for key, rows in services.items()
    }
    newest = f"coalesce(max(ends_at) FILTER ({_RUNNING}), max(starts_at))"
    found = database.execute(f"SELECT period_start, period_end, {newest} FROM charge GROUP BY 1, 2").fetchall()  # noqa: S608
    return Charges(totals=totals, newest={Period(start=utc(start), end=utc(end)): utc(at) for start, end, at in found})


def _of_days(database: duckdb.DuckDBPyConnection) -> Mapping[Key, list[Any]]:
    """Return the effective cost by service and day; what is for longer is spread over its days."""
    found = _grouped(
        database, "service, starts_at::DATE, sum(effective)", "service, starts_at::DATE",
        f"{_OWN} AND ends_at - starts_at <= INTERVAL 1 DAY",
    )  # fmt: skip
    long = f"""(
        SELECT *, unnest(range(starts_at::DATE::TIMESTAMP, ends_at, INTERVAL 1 DAY))::DATE AS day,
            CAST(cost / ceil(epoch(ends_at - starts_at::DATE::TIMESTAMP) / 86400) AS DECIMAL(38, 18)) AS piece
        FROM (
            SELECT period_start, period_end, currency, service, starts_at, ends_at, sum(effective) AS cost FROM charge
            WHERE {_OWN} AND ends_at - starts_at > INTERVAL 1 DAY GROUP BY ALL
        )
    )"""  # noqa: S608 - ours
    spread = _grouped(database, "service, day, sum(piece)", "service, day", table=long)
    merged: dict[Key, list[Any]] = {key: list(rows) for key, rows in found.items()}
    for key, rows in spread.items():
        sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
        for service, day, amount in (*merged.get(key, []), *rows):
            sums[service, day] += amount
        merged[key] = [(service, day, amount) for (service, day), amount in sums.items()]
    return merged


def _idle(database: duckdb.DuckDBPyConnection, columns: frozenset[str]) -> Mapping[Key, Mapping[str, Decimal]]:
    """Return what was paid for and not used, as far as the bill's columns tell.

    Of a commitment or a reservation it is the part whose status is Unused (FOCUS: CommitmentDiscountStatus, 1.0;
    CapacityReservationStatus, 1.1). A resource is idle whose usage cost something and was measured as none: every row
    of it has a ConsumedQuantity, and they come to 0. A quantity that is null isn't none.
    """
    unmeasured = f"""(
        SELECT period_start, period_end, currency, sum(effective) AS effective FROM charge
        WHERE category = 'Usage' AND class IS NULL AND resource IS NOT NULL AND {_USED}
        GROUP BY period_start, period_end, currency, resource
        HAVING count(*) = count(quantity) AND sum(quantity) = 0 AND sum(effective) > 0
    )"""  # noqa: S608 - ours
    usage = "category = 'Usage' AND"
    asked = {
        "commitment_unused": ({COMMITMENT}, "charge", f"{usage} commitment = 'Unused'"),
        "capacity_unused": (
            {CAPACITY},
            "charge",
            f"{usage} capacity = 'Unused' AND coalesce(commitment, '') <> 'Unused'",
        ),
        "resource_unused": ({RESOURCE, QUANTITY}, unmeasured, "true"),
    }
    found: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    keys = _grouped(database, "1", "")
    for reason, (needed, table, where) in asked.items():
        if needed <= columns:
            sums = _grouped(database, "sum(effective)", "", where, table)
            for key in keys:
                found[key][reason] = sums[key][0][0] if key in sums else Decimal(0)
    return found


def _tagged_hours(database: duckdb.DuckDBPyConnection) -> Mapping[Key, list[Any]]:
    """Return the effective cost of tagged usage by the hour; what is for longer than an hour is spread evenly."""
    hours = """(
        SELECT *, unnest(range(date_trunc('hour', starts_at), ends_at, INTERVAL 1 HOUR)) AS hour,
            cost / ceil(epoch(ends_at - date_trunc('hour', starts_at)) / 3600) AS piece
        FROM (
            SELECT period_start, period_end, currency, starts_at, ends_at, sum(effective)::DOUBLE AS cost FROM charge
            WHERE tagged AND category = 'Usage' AND class IS NULL GROUP BY ALL
        )
    )"""
    return _grouped(database, "hour, sum(piece)", "hour", table=hours)


def _grouped(
    database: duckdb.DuckDBPyConnection, what: str, by: str, where: str = "true", table: str = "charge"
) -> dict[Key, list[Any]]:
    """Return rows of `what`, by billing period and currency and `by`."""
    groups = ", ".join(filter(None, ("period_start", "period_end", "currency", by)))
    query = f"SELECT period_start, period_end, currency, {what} FROM {table} WHERE {where} GROUP BY {groups}"  # noqa: S608 - ours
    found: dict[Key, list[Any]] = defaultdict(list)
    rows = database.execute(f"{query} ORDER BY ALL LIMIT {_MAX_GROUPS + 1}").fetchall()
    if len(rows) > _MAX_GROUPS:
        raise Unreadable(f"the bill has more than {_MAX_GROUPS} services and days")
    for start, end, currency, *rest in rows:
        found[Period(start=utc(start), end=utc(end)), currency].append(tuple(rest))
    return found


def _one(database: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = database.execute(query).fetchall()
    return tuple(row)
