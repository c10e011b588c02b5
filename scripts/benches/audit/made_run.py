"""The ledger, the orders and the payments of a made-up run, seeded: rows of JSON, a line each."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from loadtests.results.run_directory import RunDirectory

BEGAN_NS = 1_796_000_000_000_000_000
_EVERY_NS = 3_000_000
_PLACES = ("warehouse", "store-leeds", "store-york")
_REFUSED, _UNKNOWN = 0.03, 0.02


def write_run(folder: Path, attempts: int) -> None:
    """Write `r1/ledger-w0.jsonl`, `orders.ndjson` and `payments.ndjson` of a run with so many order attempts."""
    directory = RunDirectory(path=folder / "r1")
    directory.path.mkdir(parents=True)
    with (
        directory.ledger("w0").open("wb") as ledger,
        (folder / "orders.ndjson").open("wb") as orders,
        (folder / "payments.ndjson").open("wb") as payments,
    ):
        for rows, order, payment in _bought(random.Random(7), attempts):  # noqa: S311 - reproducible
            ledger.writelines(map(_line, rows))
            if order is not None:
                orders.write(_line(order))
                payments.write(_line(payment))


def _bought(draw: random.Random, attempts: int) -> Iterator[tuple[list[dict[str, Any]], Any, Any]]:
    """Yield the ledger's rows of each attempt, and its order and payment where it made one."""
    for number in range(attempts):
        at, key, order_id = BEGAN_NS + number * _EVERY_NS, f"{draw.getrandbits(128):032x}", f"ord-{number:08}"
        lines = [_cart_line(draw) for _ in range(draw.randint(1, 3))]
        cents = 1900 * sum(line["quantity"] for line in lines)
        drawn = draw.random()
        outcome = "refused" if drawn < _REFUSED else "unknown" if drawn < _REFUSED + _UNKNOWN else "accepted"
        told = (order_id, cents) if outcome == "accepted" else (None, None)
        rows = [
            {"event": "attempt", "at": at, "session": number, "key": key, "lines": lines, "amount_cents": cents},
            {"event": "outcome", "at": at + 80_000_000, "key": key, "outcome": outcome, "status": 200}
            | {"order_id": told[0], "reason": None, "total_cents": told[1]},
        ]
        if outcome == "refused":
            yield rows, None, None
            continue
        order = {"order_id": order_id, "key": key, "run": "r1", "status": "accepted", "created_at": at + 40_000_000}
        payment = {"payment_id": f"pay-{number:08}", "reference": order_id, "amount_cents": cents}
        yield (
            rows,
            order | {"total_cents": cents, "lines": lines},
            payment | {"status": "captured", "created_at": at + 50_000_000},
        )


def _cart_line(draw: random.Random) -> dict[str, Any]:
    sku = f"tee-{draw.choice('sml')}-{draw.randrange(60)}"
    return {"sku": sku, "quantity": draw.randint(1, 3), "location": draw.choice(_PLACES)}


def _line(row: object) -> bytes:
    return orjson.dumps(row) + b"\n"
