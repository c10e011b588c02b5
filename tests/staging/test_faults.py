"""Each release's fault, seen from outside."""

import secrets
from collections import Counter

import requests

from tests.staging.conftest import Stack
from tests.staging.harness import Replica, check_out, fill_cart, payments_of

STYLES = ("tearex", "puglife", "byteme", "slothmode", "replyall")


def traced_checkout(stack: Stack, lines: int) -> list[tuple[str, str, dict[str, str]]]:
    """Return the spans of a checkout of so many lines on the second replica."""
    shopper = stack.second.shopper()
    fill_cart(stack.second, shopper, *((f"{style}-l-white", 1) for style in STYLES[:lines]))
    trace_id = secrets.token_hex(16)
    shopper.headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    assert check_out(stack.second, shopper, f"traced-{trace_id}").status_code == 201
    stack.sink.trace(trace_id, with_span=("payments", "POST /payments"))
    return stack.sink.trace(trace_id, with_span=("shop", "POST /checkout"))


def statements(spans: list[tuple[str, str, dict[str, str]]]) -> Counter[str]:
    return Counter(name for service, name, about in spans if service == "shop" and "db.system.name" in about)


def test_a_stable_checkout_takes_five_statements_whatever_the_cart(stack: Stack) -> None:
    for lines in (1, 5):
        assert statements(traced_checkout(stack, lines)) == {
            "SELECT carts": 1,
            "SELECT stock": 1,
            "INSERT orders": 1,
            "UPDATE stock": 1,
            "UPDATE orders": 1,
        }


def test_the_slow_release_takes_seven_statements_for_each_line(stack: Stack) -> None:
    stack.second.put("release", {"release": "slow-checkout"}).raise_for_status()
    try:
        counted = [statements(traced_checkout(stack, lines)).total() for lines in (1, 5)]
    finally:
        stack.second.put("release", {"release": "stable"})
    assert counted == [4 + 7, 4 + 7 * 5]


def test_spans_tell_the_version_and_neither_fault_nor_secret(stack: Stack) -> None:
    stack.second.put("release", {"release": "slow-checkout"}).raise_for_status()
    try:
        spans = traced_checkout(stack, 2)
    finally:
        stack.second.put("release", {"release": "stable"})
    server = next(about for _, name, about in spans if name == "POST /checkout")
    assert server["app.release.version"] == 'string_value: "2026.47.1"\n'
    assert server["http.route"] == 'string_value: "/checkout"\n'
    assert {(service, name) for service, name, _ in spans} >= {("shop", "POST"), ("payments", "POST /payments")}
    for word in (b"slow", b"per-line", b"tok_ok", b"sid=", b"Bearer", b"tearex-l-white"):
        assert word not in stack.sink.raw


def charged(stack: Stack, shop: Replica, key: str) -> tuple[requests.Response, int]:
    """Return a checkout's reply and how often its order was charged by the provider that loses replies."""
    shopper = shop.shopper()
    fill_cart(shop, shopper, ("tearex-m-navy", 1))
    reply = check_out(shop, shopper, key, run=key)
    (order,) = shop.get(f"orders?run={key}").json()["orders"]
    return reply, len(payments_of(stack.lossy_payments, order["order_id"]))


def test_a_lost_reply_is_asked_for_again_and_charged_once(stack: Stack) -> None:
    reply, times = charged(stack, stack.lossy, "charged-once")
    assert (reply.status_code, times) == (201, 1)


def test_the_double_charge_release_charges_again_on_each_retry(stack: Stack) -> None:
    stack.lossy.put("release", {"release": "double-charge"}).raise_for_status()
    try:
        reply, times = charged(stack, stack.lossy, "charged-often")
    finally:
        stack.lossy.put("release", {"release": "stable"})
    assert (reply.status_code, reply.json()) == (503, {"error": "payment_unavailable", "status": "pending"})
    assert times == 3
