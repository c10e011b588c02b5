"""What is secret by its name or its look, and what is not."""

import pytest

from exporters.spans.redaction import is_secret, scrubbed

SECRET = """authorization http.request.header.cookie Set-Cookie accessToken user.password passwd client_secret
cardNumber payment.card api_key x-api-key session.id user.email client.address billing_address"""


@pytest.mark.parametrize("key", SECRET.split())
def test_secret_by_its_name(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize(
    "key", ["http.route", "server.address", "db.query.summary", "discard", "wildcard", "cardinality", "cart.lines"]
)
def test_not_secret_by_its_name(key: str) -> None:
    assert not is_secret(key)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/a?access_token=abc&b=1", "/a?access_token=[redacted]&b=1"),
        ("password=hunter2; x", "password=[redacted]; x"),
        ("Bearer abcdef.ghi-jk", "Bearer [redacted]"),
        ("pay with tok_ok now", "pay with [redacted] now"),
        ("4111 1111 1111 1111", "[redacted]"),
        ("paid by 5500-0000-0000-0004.", "paid by [redacted]."),
        ("4111111111111112", "4111111111111112"),
        ("SELECT stock WHERE sku=?", "SELECT stock WHERE sku=?"),
        ("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"),
    ],
)
def test_secret_by_its_look(text: str, kept: str) -> None:
    assert scrubbed(text) == kept
