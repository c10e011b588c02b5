"""Their side: Locust's FastHttpUser doing the same journey, in the way its documentation shows.

The same requests with headers of the same names and length, the same JSON bodies to the byte, the same checks.
"""

import json
import os
import random
import ssl
from pathlib import Path
from typing import Any

import gevent
import gevent.ssl
from locust import FastHttpUser, constant, constant_throughput, events, task
from locust.env import Environment

from scripts.benches.engine.shop import (
    CA_VARIABLE,
    CARD,
    CONNECTIONS_VARIABLE,
    ITEMS,
    PACED_VARIABLE,
    QUANTITY,
    SEARCHES,
    SKUS,
    TALLY_VARIABLE,
    TOTAL,
)

HEADERS = {
    "User-Agent": "peakproof/0.1.0",
    "X-Peakproof-Run": "bench",
    "Accept": "application/json",
    "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00",
}
_JSON = {"Content-Type": "application/json"}
_OK = 200
_per_s = float(os.environ.get(PACED_VARIABLE, "0"))
_new_each_journey = os.environ.get(CONNECTIONS_VARIABLE) == "journey"
_ca = os.environ.get(CA_VARIABLE)
_context: Any = gevent.ssl.create_default_context(cafile=_ca) if _ca else None


def _one_context(**_: Any) -> ssl.SSLContext:  # noqa: ANN401 - what geventhttpclient would trust
    """Return the same context each time: making one for each connection would cost more than the handshake."""
    return _context  # type: ignore[no-any-return]


class Shopper(FastHttpUser):
    """One user: the four steps, again and again, over one connection unless told otherwise."""

    default_headers = HEADERS
    insecure = False
    ssl_context_factory = staticmethod(_one_context) if _ca else None
    wait_time = constant_throughput(_per_s) if _per_s else constant(0)

    def on_start(self) -> None:
        """Start at a random moment of the pace: users in phase would queue behind each other."""
        self.turn = 0
        if _per_s:
            gevent.sleep(random.uniform(0, 1 / _per_s))  # noqa: S311 - not a secret

    @task
    def work(self) -> None:
        """Do the next step when paced, else the whole journey."""
        if _per_s:
            (self.products, self.search, self.cart, self.checkout)[self.turn % 4]()
            self.turn += 1
            return
        self.products()
        self.search()
        self.cart()
        self.checkout()
        if _new_each_journey:
            self.client.client.close()
            self.client.cookiejar.clear()

    def products(self) -> None:
        """GET the products."""
        with self.client.get("/api/products", catch_response=True) as reply:
            if reply.status_code != _OK or reply.json()["ok"] is not True:
                reply.failure("not ok")

    def search(self) -> None:
        """GET the results for a random word."""
        path = f"/api/search?q=item{random.randrange(SEARCHES)}"  # noqa: S311 - not a secret
        with self.client.get(path, name="/api/search", catch_response=True) as reply:
            if reply.status_code != _OK or len(reply.json()["items"]) != ITEMS:
                reply.failure("not all the items")

    def cart(self) -> None:
        """POST a random thing into the cart."""
        sku = f"SKU-{random.randrange(SKUS):05d}"  # noqa: S311 - not a secret
        self._post("/api/cart", {"sku": sku, "qty": QUANTITY})

    def checkout(self) -> None:
        """POST the payment."""
        self._post("/api/checkout", {"card": CARD, "total": TOTAL})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        data = json.dumps(body, separators=(",", ":"))
        with self.client.post(path, data=data, headers=_JSON, catch_response=True) as reply:
            if reply.status_code != _OK or reply.json()["ok"] is not True:
                reply.failure("not ok")


_environments: list[Environment] = []


def write_tally(**_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Leave the counts of requests and failures for the benchmark, when no user sends any more."""
    total = _environments[0].stats.total
    Path(os.environ[TALLY_VARIABLE]).write_text(
        json.dumps({"requests": total.num_requests, "errors": total.num_failures})
    )


events.init.add_listener(lambda environment, **_: _environments.append(environment))
events.quit.add_listener(write_tally)
