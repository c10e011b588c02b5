"""A user's shop records are exported as a page would be, and asked gently."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.serving.records_source import EVERY_S, RecordsSource
from exporters.serving.source import Deadline, Unreadable
from exporters.subjects import orders, stock
from loadtests.audit.records_process import RecordsProcess
from loadtests.environment.credentials import Settings
from loadtests.results.inputs import RecordsFile
from tests.exporters.subjects.test_subjects import far, scraped

MINE = """\
from loadtests.audit.own_records import ShopRecords


class Mine(ShopRecords):
    asked = 0

    def stock(self):
        self.asked += 1
        if self.asked == 2:
            raise ConnectionError("no answer")
        yield dict(sku="tee", location="here", quantity=10, reserved=10 + self.asked)

    def funnel(self):
        yield dict(step="cart", sessions=7)
        yield dict(step="order", sessions=3)
"""


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordsProcess]:
    file = RecordsFile(path=tmp_path / "mine.py", text=MINE)
    process = RecordsProcess(file, Settings(), os.environ)
    yield process
    process.close()


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_stock_and_funnel_come_from_one_process(records: RecordsProcess) -> None:
    turn, clock = threading.Lock(), Hand()
    subject = stock.subject(RecordsSource(records, "stock", turn, lambda: 1, clock))
    units = ("shop_stock_units", "here", "tee")
    assert scraped(subject)[units] == -1
    clock.at = EVERY_S - 0.1
    assert scraped(subject)[units] == -1  # nobody was asked again
    clock.at = EVERY_S
    assert scraped(subject) == {("stock_exporter_up", "shop"): 0}
    clock.at = 2 * EVERY_S
    assert scraped(subject)[units] == -3
    found = scraped(orders.subject(RecordsSource(records, "funnel", turn, lambda: 1, clock)))
    assert {name: value for name, value in found.items() if value and "up" not in name[0]} == {
        ("shop_funnel_sessions_total", "cart"): 7,
        ("shop_funnel_sessions_total", "order"): 3,
    }


def test_a_failure_is_told_until_it_is_asked_again(records: RecordsProcess) -> None:
    clock = Hand()
    source = RecordsSource(records, "stock", threading.Lock(), lambda: 1, clock)
    source.read(far())
    clock.at = EVERY_S
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"^mine.py: stock\(\): line 10: ConnectionError: no answer$"):
            source.read(far())


def test_who_has_no_turn_within_its_deadline_is_told(records: RecordsProcess) -> None:
    turn = threading.Lock()
    source = RecordsSource(records, "funnel", turn, lambda: 1)
    with turn, pytest.raises(Unreadable, match=r"^shop_records: funnel\(\): another is still asked$"):
        source.read(Deadline(at=0.0, clock=lambda: 0.0))
