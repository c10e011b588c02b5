"""What a scrape of the inventory costs the database: 200,000 SKUs in each of five locations, in PostgreSQL.

Its statements are counted and timed by pg_stat_statements, in turns with the same queries sent by psql: each location
alone against its query alone, and all five at once against the five queries at once, as they share the machine's cores.
Locks are looked at while the scrape runs and after it.

Run alone: python -P -m scripts.benches.exporters.inventory
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg

from exporters.config import ExportersConfig, subjects
from exporters.context import ExporterContext
from exporters.serving.scrape import Scraper
from exporters.serving.source import Deadline
from scripts.benches.exporters.postgresql import counting_postgresql
from scripts.benches.figures import Figure, machine_line, median_figure, missed, table, unbounded_figure, write_figures
from slo.documents import validate

SKUS, LOCATIONS, RUNS = 200_000, 5, 5
OUTPUT = Path("build/bench/exporters-inventory.json")
COMMAND = "python -P -m scripts.benches.exporters.inventory"
_ON = f"{SKUS} SKUs x {LOCATIONS} locations, PostgreSQL on this machine"
_DEADLINE_S = 120
_HARMLESS = "AccessShareLock"  # what every SELECT takes; only DROP, TRUNCATE and the like wait for it
_OWN = "stock_"


def figures(skus: int = SKUS, runs: int = RUNS) -> tuple[Figure, ...]:
    """Measure and return the figures."""
    with counting_postgresql() as url, psycopg.connect(url, autocommit=True) as db:
        _fill(db, skus)
        together, single = _scraper(url, range(LOCATIONS)), [_scraper(url, [number]) for number in range(LOCATIONS)]
        rounds = [_round(db, url, together, single, skus) for _ in range(runs)]
    calls, locks = [one.calls for one in rounds], [one.locks for one in rounds]
    at_once = [one.scrape_ms / one.at_once_ms for one in rounds]
    in_turn = [one.single_ms / one.in_turn_ms for one in rounds]
    return (
        Figure(name="queries a location and scrape", value=max(calls), op="==", bound=1, runs=calls, on=_ON),
        Figure(name="locks that block, or are held after", value=max(locks), op="==", bound=0, runs=locks, on=_ON),
        median_figure("database time, a location alone / its query by psql", in_turn, "<=", 1.5, _ON),
        median_figure("database time, all at once / their queries by psql at once", at_once, "<=", 1.5, _ON),
        unbounded_figure("database time of a query by psql, ms", [r.in_turn_ms / LOCATIONS for r in rounds], _ON),
        unbounded_figure("the whole scrape, s", [one.took_s for one in rounds], _ON),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One round: statements a location, locks in the way, and the milliseconds of the database's time."""

    calls: float
    locks: float
    in_turn_ms: float
    single_ms: float
    at_once_ms: float
    scrape_ms: float
    took_s: float


def _round(
    db: psycopg.Connection[Any], url: str, together: Scraper[Any], single: Sequence[Scraper[Any]], skus: int
) -> _Round:
    in_turn_ms = _timed(db, lambda: _in_turn(url))[1]
    single_ms = _timed(db, lambda: [_scrape_s(one, skus) for one in single])[1]
    at_once_ms = _timed(db, lambda: _psql(url, range(LOCATIONS)))[1]
    took_s: list[float] = []
    with _Locks(url) as seen:
        calls, scrape_ms = _timed(db, lambda: took_s.append(_scrape_s(together, skus)))
    return _Round(
        calls=calls / LOCATIONS, locks=float(seen.blocking + _held(db)), in_turn_ms=in_turn_ms, single_ms=single_ms,
        at_once_ms=at_once_ms, scrape_ms=scrape_ms, took_s=took_s[0],
    )  # fmt: skip


def _timed(db: psycopg.Connection[Any], work: Callable[[], object]) -> tuple[int, float]:
    """Return how many statements read stock while `work` ran, and the milliseconds of all but our own questions."""
    db.execute("select pg_stat_statements_reset()")
    work()
    rows = db.execute(
        "select query, calls, total_exec_time + total_plan_time from pg_stat_statements"
        " where query not like '%pg\\_%' and query not like '%connect%'"
    ).fetchall()
    reading = sum(calls for query, calls, _ in rows if _OWN in query)
    return reading, sum(spent for _, _, spent in rows)


def _in_turn(url: str) -> None:
    for number in range(LOCATIONS):
        _psql(url, [number])


def _psql(url: str, numbers: Iterable[int]) -> None:
    """Have PostgreSQL's own client send the queries at once and throw away what comes."""
    clients = [
        subprocess.Popen(["psql", "-XqAt", "-o", "/dev/null", "-c", _query(number), url])  # noqa: S607 - of the server
        for number in numbers
    ]
    if any(client.wait() for client in clients):
        raise RuntimeError("psql failed")


def _fill(db: psycopg.Connection[Any], skus: int) -> None:
    db.execute("create extension pg_stat_statements")
    for number in range(LOCATIONS):
        db.execute(
            f"create table {_OWN}{number} (sku text primary key, on_hand int, reserved int, changed timestamptz)"
        )
        db.execute(
            f"insert into {_OWN}{number} select 'TT-' || lpad(i::text, 7, '0'), (i * 7) % 90, i % 3, now()"  # noqa: S608 - of constants
            f" from generate_series(1, {skus}) i"
        )
        db.execute(f"vacuum analyze {_OWN}{number}")


def _query(number: int) -> str:
    return f"select sku, on_hand, reserved, changed from {_OWN}{number}"  # noqa: S608 - of constants


def _scraper(url: str, numbers: Iterable[int]) -> Scraper[Any]:
    columns = {"sku": "sku", "quantity": "on_hand", "reserved": "reserved", "updated_at": "changed"}
    locations = {
        f"store-{number}": {"sql": {"url": {"env": "STOCK_DB"}, "query": _query(number)}, "columns": columns}
        for number in numbers
    }
    document = {"format": "peakproof/exporters/v1", "inventory": {"locations": locations}}
    config = validate(document, ExportersConfig, "exporters.yaml")
    folder = Path()
    context = ExporterContext(variables={"STOCK_DB": url}, folder=folder, runs=folder, now=time.time_ns)
    return Scraper(subjects(config, context)[0])


def _scrape_s(scraper: Scraper[Any], skus: int) -> float:
    begun = time.monotonic()
    scraped = scraper.begin(Deadline(at=begun + _DEADLINE_S))()
    took_s = time.monotonic() - begun
    counted = {
        sample.value for family in scraped.families if family.name == "inventory_skus" for sample in family.samples
    }
    if not all(scraped.up.values()) or counted != {skus}:
        raise RuntimeError(f"not every location was read whole: {scraped.up}, {counted}")
    return took_s


def _held(db: psycopg.Connection[Any]) -> int:
    row = db.execute("select count(*) from pg_locks where relation::regclass::text like %s", (f"{_OWN}%",)).fetchone()
    return 0 if row is None else int(row[0])


class _Locks:
    """Looks at the locks on the stock while a scrape runs: how many would have made a writer wait."""

    def __init__(self, url: str) -> None:
        self._url, self._ended = url, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.blocking, self.looks = 0, 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as db:
            while not self._ended.wait(0.05):
                row = db.execute(
                    "select count(*) filter (where mode <> %s), count(*) from pg_locks"
                    " where relation::regclass::text like %s",
                    (_HARMLESS, f"{_OWN}%"),
                ).fetchone()
                self.looks += 1
                self.blocking += 0 if row is None else int(row[0])


def main(arguments: Sequence[str] = ()) -> int:
    """Measure, print the table, write the file; 1 when a figure misses its bound."""
    del arguments
    found = figures()
    machine = machine_line("PostgreSQL with pg_stat_statements")
    print(machine, table(found), sep="\n")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    write_figures(OUTPUT, machine, COMMAND, found)
    problems = missed(found)
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
