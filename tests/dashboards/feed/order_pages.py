"""Order records that go on as they are read: an order each second, each on its way to its shipment, and last week's."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.dashboards.feed.served import served

SECOND = 1_000_000_000
DAY_S = 86_400
_KEPT_S = 120
# In the hour about the same moment of earlier days, whichever hour of the clock that is.
_AGO_S, _ABOUT_S, _EVERY_S = (DAY_S, 7 * DAY_S), 3600, 20
_LOCATIONS = 60
_STEPS = {"session": 10, "cart": 4, "order": 2}
Json = dict[str, Any]


def orders(begun_s: int, now_s: int, *, faulty: bool) -> list[Json]:
    """Return the orders of the last minutes, and of the same hour yesterday and a week ago."""
    earlier = (at for ago in _AGO_S for at in range(begun_s - ago - _ABOUT_S, begun_s - ago + _ABOUT_S, _EVERY_S))
    moments = [begun_s - 8 * DAY_S, *earlier, *range(begun_s - _KEPT_S, now_s)]
    return [_order(at, now_s, faulty=faulty) for at in moments]


def payments(found: list[Json]) -> list[Json]:
    """Return the payment of each order."""
    statuses = {"accepted": "captured", "declined": "declined", "failed": "failed", "cancelled": "cancelled"}
    return [
        {
            "payment_id": f"p{one['order_id']}",
            "reference": one["order_id"],
            "amount_cents": one["total_cents"],
            "status": statuses[one["status"]],
            "created_at": one["created_at"],
            "provider": "card" if one["created_at"] // SECOND % 3 else "invoice",
        }
        for one in found
        if one["status"] in statuses
    ]


def _order(at: int, now_s: int, *, faulty: bool) -> Json:
    kind = at % 10 if faulty else 9
    status = {0: "declined", 1: "failed", 2: "cancelled", 3: "pending"}.get(kind, "accepted")
    order: Json = {
        "order_id": f"o{at}",
        "key": f"k{at}",
        "run": None,
        "status": status,
        "created_at": at * SECOND,
        "total_cents": -100 if kind == 4 else 2500 + at % 100,
        "lines": [{"sku": "TT-0001", "quantity": 1, "location": "warehouse" if at % 2 else "high-street"}],
    }
    if faulty and kind == 6:
        order["lines"] = [{"sku": "TT-0001", "quantity": 1, "location": f"van-{n}"} for n in range(_LOCATIONS)]
    if status == "declined":
        order["decline"] = "insufficient_funds"
    if status == "accepted":
        order |= {"paid_at": at * SECOND, "due_at": (at + (5 if faulty else 3600)) * SECOND}
        waits_forever = kind == 5
        for name, after_s in (("printed_at", 8), ("shipped_at", 12)):
            if not waits_forever and at + after_s <= now_s:
                order[name] = (at + after_s) * SECOND
    return order


@contextmanager
def order_pages(*, faulty: bool) -> Iterator[str]:
    """Serve the records on 127.0.0.1: /orders, /payments and /funnel of the address that is given."""
    begun_s = int(time.time())

    def answer(path: str) -> bytes:
        now_s = int(time.time())
        found = orders(begun_s, now_s, faulty=faulty)
        counted_s = now_s - begun_s + 60
        pages: dict[str, Json] = {
            "/orders": {"orders": found, "next": None},
            "/payments": {"payments": payments(found), "next": None},
            "/funnel": {
                "funnel": {step: share * counted_s for step, share in _STEPS.items()},
                "orders": {"accepted": 2 * counted_s},
                "orders_by_location": {},
            },
        }
        return json.dumps(pages[urlsplit(path).path]).encode()

    with served(answer, "application/json") as address:
        yield f"http://{address}"
