"""The payment provider over HTTP."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.staging.conftest import Stack
from tests.staging.harness import payments_of


def body(key: str, **changed: object) -> dict[str, object]:
    return {
        "idempotency_key": key,
        "reference": key,
        "amount_cents": 100,
        "currency": "GBP",
        "card_token": "tok_ok",
        **changed,
    }


def pay(url: str, key: str, **changed: object) -> requests.Response:
    return requests.post(f"{url}/payments", json=body(key, **changed), timeout=20)


def test_a_key_at_once_is_charged_once(stack: Stack) -> None:
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: pay(stack.payments, key), range(8)))
    assert sorted(reply.status_code for reply in replies) == [200] * 7 + [201]
    assert len({reply.json()["payment_id"] for reply in replies}) == 1
    (payment,) = payments_of(stack.payments, key)
    assert (payment["amount_cents"], payment["status"]) == (100, "captured")


def test_a_declined_card_stays_declined(stack: Stack) -> None:
    key = secrets.token_hex(8)
    for card in ("tok_declined", "tok_ok"):
        reply = pay(stack.payments, key, card_token=card)
        assert (reply.status_code, reply.json()) == (402, {"status": "declined"})


def test_a_lost_reply_was_a_capture(stack: Stack) -> None:
    key = secrets.token_hex(8)
    assert [pay(stack.lossy_payments, key).status_code for _ in range(2)] == [503, 200]


def test_a_key_with_another_amount_is_refused(stack: Stack) -> None:
    key = secrets.token_hex(8)
    pay(stack.payments, key)
    reply = pay(stack.payments, key, amount_cents=101)
    assert (reply.status_code, reply.json()) == (422, {"error": "idempotency_key_reused"})


@pytest.mark.parametrize("changed", [{"amount_cents": -1}, {"currency": "pence"}, {"card_token": "4111"}, {"more": 1}])
def test_a_request_that_does_not_fit_is_refused(stack: Stack, changed: dict[str, object]) -> None:
    assert pay(stack.payments, "refused", **changed).status_code == 400


def test_payments_are_listed_to_those_with_the_token(stack: Stack) -> None:
    assert requests.get(f"{stack.payments}/payments", timeout=20).status_code == 401
    assert requests.get(f"{stack.payments}/healthz", timeout=20).json() == {"status": "ok"}
