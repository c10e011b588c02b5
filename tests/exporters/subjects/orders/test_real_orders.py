"""Two years of a real shop's orders, day by day: every order and every penny of each day."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from exporters.serving.source import Deadline
from exporters.subjects.orders.day import DAY_NS
from exporters.subjects.orders.order_book import OrderBook
from exporters.subjects.orders.reading import OwnRecords
from loadtests.audit.shop_records import Order
from loadtests.results.ledger import Line
from tests.exporters.subjects.orders.fixtures import context, orders_subject, scraped, targets
from tests.exporters.subjects.orders.test_order_book import FOLLOW_NS

CHECKOUT = Path(__file__).parents[4]
FAR = Deadline(at=30.0, clock=lambda: 0.0)
DAY = datetime(2011, 12, 5, tzinfo=UTC)
MINE = """\
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loadtests.audit.own_records import ShopRecords


class OnlineRetail(ShopRecords):
    def orders(self, run):
        table = pq.read_table({path!r})
        cents = pc.round(pc.multiply(pc.multiply(table["Quantity"], table["UnitPrice"]), 100))
        invoices = table.append_column("cents", cents).group_by("InvoiceNo")
        since = self.since.strftime("%Y-%m-%d %H:%M:%S")
        for row in invoices.aggregate([("cents", "sum"), ("InvoiceDate", "min")]).to_pylist():
            at = row["InvoiceDate_min"]
            if at >= since:
                yield dict(
                    order_id=row["InvoiceNo"], run=None, created_at=at + "+00:00",
                    total_cents=row["cents_sum"], lines=[],
                )
"""


def file(name: str) -> Path:
    folder = Path(os.environ.get("PEAKPROOF_SHARED") or CHECKOUT.parent / "shared")
    if not (path := folder / "data" / name).exists():
        pytest.skip("the shared data (PEAKPROOF_SHARED or ../shared) is not at hand")
    return path


def invoices(name: str, number: str, price: str) -> list[Order]:
    """Return the invoices of a file that aren't cancellations, a list by their time."""
    table = pq.read_table(file(name), columns=[number, "Quantity", "InvoiceDate", price, "Country"])
    cents = pc.round(pc.multiply(pc.multiply(table["Quantity"], table[price]), 100))
    found = (
        table.append_column("cents", cents)
        .group_by([number])
        .aggregate([("cents", "sum"), ("InvoiceDate", "min"), ("Country", "min")])
        .to_pylist()
    )
    orders = [
        Order(
            order_id=str(row[number]),
            run=None,
            status="accepted",
            created_at=int(datetime.fromisoformat(row["InvoiceDate_min"] + "+00:00").timestamp()) * 10**9,
            total_cents=int(row["cents_sum"]),
            lines=(Line(sku="any", quantity=1, location=row["Country_min"]),),
        )
        for row in found
        if not str(row[number]).startswith("C")
    ]
    return sorted(orders, key=lambda order: order.created_at)


@pytest.mark.parametrize(
    ("name", "number", "price"),
    [
        ("online_retail_2009_2010.parquet", "Invoice", "Price"),
        ("online_retail_2010_2011.parquet", "InvoiceNo", "UnitPrice"),
    ],
)
def test_each_day_of_a_year_has_its_orders_its_revenue_and_its_places(name: str, number: str, price: str) -> None:
    orders = invoices(name, number, price)
    of_day: defaultdict[int, list[Order]] = defaultdict(list)
    for order in orders:
        of_day[order.created_at // DAY_NS].append(order)
    now = orders[0].created_at
    book = OrderBook(now - FOLLOW_NS, FOLLOW_NS, None, include_tests=False)

    def since(at: int) -> Iterator[Order]:
        days = range(at // DAY_NS, now // DAY_NS + 1)
        return (order for day in days for order in of_day[day] if at <= order.created_at <= now)

    read = OwnRecords("orders", since, book, lambda: now)
    for day, theirs in sorted(of_day.items()):
        for hour in (9, 13, 24):
            now = day * DAY_NS + hour * 3600 * 10**9 - 1
            view = read(FAR)
        good = [order for order in theirs if order.total_cents >= 0]
        assert (view.day.placed, view.day.ended["accepted"]) == (len(good), len(good))
        assert view.day.revenue_cents == sum(order.total_cents for order in good)
        assert view.day.by_location.total() == len(good)
        assert view.day.left_out.total() == len(theirs) - len(good)
    assert len(book._orders) < 2000


def test_a_day_is_read_through_a_user_s_file_to_the_penny(tmp_path: Path) -> None:
    path = file("online_retail_2010_2011.parquet")
    (tmp_path / "mine.py").write_text(MINE.format(path=str(path)))
    targets(tmp_path, shop_records={"file": "mine.py"})
    night = (int(DAY.timestamp()) + 86_399) * 10**9
    found = scraped(orders_subject(context(tmp_path, "unused", lambda: night)))
    theirs = [
        order
        for order in invoices(path.name, "InvoiceNo", "UnitPrice")
        if order.created_at // DAY_NS == night // DAY_NS and order.total_cents >= 0
    ]
    assert len(theirs) > 100
    assert found["orders_placed_total",] == len(theirs)
    assert found["orders_revenue_cents_total",] == sum(order.total_cents for order in theirs)
    assert found["orders_newest_timestamp_seconds",] == max(order.created_at for order in theirs) / 1e9
    hours = Counter(order.created_at // (3600 * 10**9) for order in invoices(path.name, "InvoiceNo", "UnitPrice"))
    now = night // (3600 * 10**9)
    assert found["orders_expected_per_second",] == min(hours[now - 24], hours[now - 168]) / 3600
