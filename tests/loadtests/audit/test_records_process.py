"""A user's shop records run in a process of their own: bounded, ended, and told of in a line without a secret."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.audit import rows_process as module
from loadtests.audit.records_process import RecordsProcess
from loadtests.audit.unavailable import RecordsError
from loadtests.environment.credentials import Secret, Settings
from loadtests.results.inputs import RecordsFile

NOON = 1_795_780_800_000_000_000  # 2026-11-27 12:00:00 UTC
DSN = "postgresql://reader:hunter2-of-reader@db.test/shop"
MINE = """\
import os, sqlite3, time
from peakproof import OrderRecord, ShopRecords


class Mine(ShopRecords):
    location = "London"

    def __init__(self, settings):
        super().__init__(settings)
        self.calls = 0

    def orders(self, run):
        return getattr(self, run or "everyone")()

    def everyone(self):
        self.calls += 1
        print("asked for everyone's")
        for number in range(3):
            yield dict(order_id=number, run=None, created_at=self.since, total_cents=self.calls, lines=[("tee", 1)])

    def raises(self):
        yield from self.everyone()
        raise ConnectionError(f"no answer from {self.settings['dsn']}: hunter2-of-reader\\nsecond line")

    def hangs(self):
        yield from self.everyone()
        time.sleep(600)

    def wrong(self):
        yield OrderRecord("o1", self.since, 900, [("tee", 1)])
        yield {"order_id": 2}

    def nothing(self):
        return None

    def number(self):
        return 7

    def ends(self):
        yield from self.everyone()
        os._exit(3)

    def eats(self):
        yield from self.everyone()
        self.eaten = [bytes(1 << 28) for _ in range(64)]

    def leaves(self):
        raise SystemExit(5)

    def payments(self, since):
        yield dict(payment_id=1, reference=1, amount_cents=1, created_at=since)

    def stock(self):
        yield from self.sql("select sku, left as quantity, :held as reserved from stock order by sku", held=1)
"""


LAST_LINES = {"raises": "raise ConnectionError", "eats": "self.eaten", "leaves": "raise SystemExit"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> RecordsFile:
    path = tmp_path_factory.mktemp("shops") / "mine.py"
    path.write_text(MINE)
    return RecordsFile.read(path)


@pytest.fixture(scope="module")
def mine(file: RecordsFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordsProcess]:
    path = tmp_path_factory.mktemp("database") / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("create table stock (sku text, left integer)")
        database.executemany("insert into stock values (?, ?)", [("mug", 2), ("tee", 5)])
    settings = Settings(values={"dsn": f"sqlite:///{path}"}, secrets=(Secret(f"sqlite:///{path}"), Secret(DSN)))
    process = RecordsProcess(file, settings, os.environ, longest_s=60)
    yield process
    process.close()


def failure_of(process: RecordsProcess, run: str) -> str:
    with pytest.raises(RecordsError) as failure:
        list(process.orders(run, NOON))
    return str(failure.value)


def test_rows_come_as_records_and_one_object_answers_all_calls(
    mine: RecordsProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    assert mine.declares == {"orders", "payments", "stock"}
    orders = list(mine.orders(None, NOON))
    assert [(one.order_id, one.run, one.names_run, one.created_at, one.total_cents) for one in orders] == [
        (str(number), None, True, NOON, 1) for number in range(3)
    ]
    assert orders[0].lines[0].location == "London"
    assert [(one.order_id, one.total_cents) for one in mine.orders(None, NOON, first=2)] == [("0", 2), ("1", 2)]
    assert [one.created_at for one in mine.payments(NOON + 1999)] == [NOON + 1000]
    assert capfd.readouterr().out == ""  # what it prints is no part of what we print


def test_the_rows_of_a_query_come_by_the_names_of_its_columns(mine: RecordsProcess) -> None:
    stock = mine.stock(NOON)
    assert (stock.taken_at, stock.levels()) == (NOON, {("mug", "London"): 1, ("tee", "London"): 4})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raises", "line {line}: ConnectionError: no answer from {dsn}: *****************"),
        ("wrong", "row 2: created_at: required and missing"),
        ("nothing", "returned None: yield rows, or return a list of them"),
        ("number", "returned int: yield rows, or return a list of them"),
        ("leaves", "line {line}: SystemExit: 5"),
        ("eats", "line {line}: more than 2 GiB of memory: yield rows as they come"),
    ],
)
def test_what_goes_wrong_in_a_call_is_told_by_file_method_and_line(
    how: str, message: str, mine: RecordsProcess
) -> None:
    dsn = "*" * len(mine._settings.secrets[0].reveal())
    line = MINE[: MINE.index(LAST_LINES.get(how, ""))].count("\n") + 1
    assert failure_of(mine, how) == f"mine.py: orders(): {message.format(dsn=dsn, line=line)}"
    assert len(list(mine.orders(None, NOON))) == 3  # the next call is answered


def test_more_rows_than_anybody_has_are_not_taken(mine: RecordsProcess) -> None:
    with pytest.raises(RecordsError, match=r"^mine.py: orders\(\): more than 2 rows$"):
        list(mine._call("orders", module._ORDERS, since=NOON, most=2))


def test_rows_that_nobody_wants_any_more_end_the_process_and_the_next_call_starts_it(mine: RecordsProcess) -> None:
    rows = mine.orders(None, NOON)
    next(rows)
    ended = mine._process
    assert ended is not None
    rows.close()
    assert ended.poll() is not None
    assert failure_of(mine, "ends") == "mine.py: its process ended in the middle of an answer, with exit code 3"


def test_a_call_that_does_not_end_is_ended(mine: RecordsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mine, "_longest_s", 0.2)
    assert mine.declares  # it is there
    assert failure_of(mine, "hangs") == "mine.py: orders(): no end within 0.2 s; its class says deadline_s"
    assert mine._process is None


def test_the_example_of_the_docs_has_all_three(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "your-own-shop.md").read_text()
    (text,) = [part.partition("```")[0] for part in page.split("```python\n")[1:] if "ShopRecords" in part]
    process = RecordsProcess(RecordsFile(path=tmp_path / "mine.py", text=text), Settings(), os.environ)
    try:
        assert process.declares == {"orders", "payments", "stock"}
    finally:
        process.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Mine(ShopRecords)", "mine.py: line 1: expected ':': class Mine(ShopRecords)"),
        (
            "import nothing_of_that_name",
            (
                "mine.py: line 1: ModuleNotFoundError: No module named 'nothing_of_that_name': install it beside"
                " peakproof, and on each machine of a worker"
            ),
        ),
        (
            "from peakproof import Shop",
            "mine.py: expected one class that is a ShopRecords (class Records(ShopRecords):), found none",
        ),
        (
            "from peakproof import ShopRecords\nclass Mine(ShopRecords):\n    deadline_s = 'long'",
            "mine.py: deadline_s: expected seconds up to 3600, found 'long'",
        ),
    ],
)
def test_a_file_that_can_not_be_loaded_is_told(text: str, message: str, tmp_path: Path) -> None:
    process = RecordsProcess(RecordsFile(path=tmp_path / "mine.py", text=text), Settings(), os.environ)
    with pytest.raises(RecordsError) as failure:
        _ = process.declares
    assert str(failure.value) == message


def test_a_file_that_does_not_end_loading_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOAD_S", 0.1)
    text = "while True: pass"
    process = RecordsProcess(RecordsFile(path=tmp_path / "mine.py", text=text), Settings(), os.environ)
    with pytest.raises(RecordsError, match=r"^mine.py: not loaded within 0.1 s$"):
        _ = process.declares
    assert process._process is None


def test_a_process_of_which_nobody_asks_any_more_ends(mine: RecordsProcess) -> None:
    assert mine.declares
    child = mine._process
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(30) == 0
    mine.close()
