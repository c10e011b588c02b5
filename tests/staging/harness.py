"""The stand-in's processes, started on free ports and ended by their own handle."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

TOKEN = "token-of-the-tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PEAKPROOF_SHOP_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line of one of the stand-in's processes."""
    return [sys.executable, "-m", f"staging.{module}", *arguments]


@dataclass(frozen=True)
class Child:
    """A process that has said it is ready."""

    process: subprocess.Popen[str]
    url: str

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def started(*commands: Sequence[str]) -> Iterator[list[Child]]:
    """Start processes side by side; ended, if they still run, when the block is left."""
    processes = [
        subprocess.Popen(list(one), cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for one in commands
    ]
    children: list[Child] = []
    try:
        for process in processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            children.append(Child(process, line.removeprefix("ready ").strip()))
        assert all(child.url for child in children), "some process ended before it was ready"
        yield children
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)
            if process.stdout is not None:
                process.stdout.close()


@dataclass(frozen=True)
class Replica:
    """A shop behind a front, or alone, and its admin interface."""

    url: str
    admin: str

    def shopper(self) -> requests.Session:
        """Return a session with the shop's cookie."""
        session = requests.Session()
        session.get(f"{self.url}/", timeout=20).raise_for_status()
        return session

    def put(self, path: str, body: object) -> requests.Response:
        """Change something over the admin interface."""
        return requests.put(f"{self.admin}/admin/{path}", json=body, headers=ADMIN, timeout=20)

    def get(self, path: str) -> requests.Response:
        """Ask the admin interface."""
        return requests.get(f"{self.admin}/admin/{path}", headers=ADMIN, timeout=20)

    def stock_of(self, sku: str, location: str = "warehouse") -> int:
        """Return how many of a SKU a location has."""
        rows = self.get("stock").json()["stock"]
        return next(int(row["quantity"]) for row in rows if (row["sku"], row["location"]) == (sku, location))


def check_out(
    shop: Replica,
    shopper: requests.Session,
    key: str,
    *,
    card: str = "tok_ok",
    delivery: dict[str, str] | None = None,
    run: str = "tests",
) -> requests.Response:
    """Check out a shopper's cart."""
    return shopper.post(
        f"{shop.url}/checkout",
        json={"delivery": delivery or {"method": "ship"}, "payment": {"card_token": card}},
        headers={"Idempotency-Key": key, "X-Peakproof-Run": run},
        timeout=30,
    )


def fill_cart(shop: Replica, shopper: requests.Session, *lines: tuple[str, int]) -> requests.Response:
    """Replace a shopper's cart."""
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
    return shopper.post(f"{shop.url}/cart", json=body, timeout=20)


def payments_of(payments_url: str, order_id: str) -> list[dict[str, object]]:
    """Return what the provider has for an order."""
    page = requests.get(f"{payments_url}/payments", headers=ADMIN, timeout=20).json()
    return [payment for payment in page["payments"] if payment["reference"] == order_id]
