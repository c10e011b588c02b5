"""One line around the request that orders, and the ledger has a row: with the outcome that the last request shows."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

import peakproof
from loadtests.locustfiles.order import OrderBlockError
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.locustfiles.players import Player
from tests.loadtests.locustfiles.small_shop import running

TEXT = """
import peakproof
from locust import HttpUser, task

class Buyer(HttpUser):
    @task
    def buy(self):
        with peakproof.order({{"tee": 2}}, 3998{how}) as order:
            {code}
"""


def ledger(folder: Path, code: str, how: str = "") -> list[dict[str, Any]]:
    with running() as shop:
        player = Player(folder, shop.url, TEXT.format(code=code, how=how), each_in_turn=True,
                        storefront={"tasks_per_session": 1})  # fmt: skip
        assert player.storefront.buyers == {"buyer"}
        with contextlib.suppress(SessionFailedError, OrderBlockError, KeyError):
            player.play()
    return player.ledger


def post(sku: str, **how: object) -> str:
    given = "".join(f", {name}={value!r}" for name, value in how.items())
    return f'self.client.post("/api/orders", json={{"sku": "{sku}", "key": order.key}}{given})'


OUTCOMES = {
    "accepted": (post("tee"), ("accepted", 201, None)),
    "refused": (post("sold-out"), ("refused", 409, "http_409")),
    "broken": (post("broken"), ("unknown", 500, "http_5xx")),
    "no answer": ('self.client.post("/slow/1", timeout=0.1)', ("unknown", 0, "timeout")),
    "the task's own word": (post("tee") + '; order.refused("payment_declined")', ("refused", 201, "payment_declined")),
    "a failure of an answer": (
        f"with {post('tee', catch_response=True)} as r: r.failure('no')", ("unknown", 201, "wrong_reply"),
    ),
    "a success of an error": (
        f"with {post('sold-out', catch_response=True)} as r: r.success()", ("refused", 409, "http_409"),
    ),
    "an answer that can't be read": (post("tee") + '.json()["x"]', ("unknown", 201, "wrong_reply")),
    "a mistake before the request": ('{}["x"]', ("unknown", 0, "locustfile")),
    "no request": ("pass", ("unknown", 0, "locustfile")),
}  # fmt: skip


@pytest.mark.parametrize("what", OUTCOMES)
def test_the_outcome_is_what_happened_in_the_block(tmp_path: Path, what: str) -> None:
    code, (outcome, status, reason) = OUTCOMES[what]
    attempt, ended = ledger(tmp_path, code)
    assert attempt["event"] == "attempt"
    assert (attempt["lines"], attempt["amount_cents"]) == (
        [{"sku": "tee", "quantity": 2, "location": "warehouse"}],
        3998,
    )
    assert (ended["outcome"], ended["status"], ended["reason"]) == (outcome, status, reason)
    assert ended["key"] == attempt["key"] != ""


def test_the_order_s_number_and_total_are_kept_where_they_are_named(tmp_path: Path) -> None:
    _, by_path = ledger(tmp_path, post("tee"), ', number="order.number", key="cart-1"')
    assert (by_path["key"], by_path["order_id"]) == ("cart-1", "A-1")
    (tmp_path / "again").mkdir()
    _, said = ledger(tmp_path / "again", post("tee") + "; order.accepted(77, cents=3999)")
    assert (said["order_id"], said["total_cents"]) == ("77", 3999)


def test_a_block_that_asks_for_nothing_is_a_mistake(tmp_path: Path) -> None:
    with running() as shop:
        player = Player(tmp_path, shop.url, TEXT.format(code="pass", how=""))
        with pytest.raises(OrderBlockError, match="asked for nothing"):
            player.play()


def test_where_locust_itself_plays_the_file_the_line_does_nothing() -> None:
    with peakproof.order(["tee", ("mug", 2)], 3998) as order:
        assert order.key


def test_users_whose_functions_order_elsewhere_are_buyers_and_others_are_not(tmp_path: Path) -> None:
    text = """
from locust import HttpUser, TaskSet, task
import peakproof
from peakproof import order as placed

def helps(client):
    with placed({"tee": 1}, 1):
        client.post("/api/orders", json={})

class Deep(TaskSet):
    @task
    def buy(self):
        helps(self.client)

class Buyer(HttpUser):
    tasks = [Deep]

class Looker(HttpUser):
    @task
    def order(self):
        self.client.get("/")
"""
    with running() as shop:
        assert Player(tmp_path, shop.url, text).storefront.buyers == {"buyer"}


@pytest.mark.parametrize(
    ("lines", "cents", "why"),
    [
        ({"tee": 1}, 19.99, "cents are a whole number"),
        ({"tee": 1}, -1, "cents are a whole number"),
        ({"tee": 1}, "1999", "cents are a whole number"),
        ({"tee": 1.5}, 1999, "a quantity is a whole number"),
        ({"tee": 0}, 1999, "a quantity is a whole number"),
    ],
)
def test_an_amount_that_is_none_is_a_mistake_and_never_rounded(lines: Any, cents: Any, why: str) -> None:
    with pytest.raises(OrderBlockError, match=why):
        peakproof.order(lines, cents)


def test_an_order_has_no_key_before_its_block() -> None:
    order = peakproof.order({"tee": 1}, 1999)
    with pytest.raises(OrderBlockError, match="within its block"):
        _ = order.key
