"""Nothing that looks like a person's or a secret is kept of a reply, and what helps to mend a storefront is."""

import pytest

from loadtests.results.masking import masked_head, masked_headers, masked_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/cart?token=abc&page=2", "/cart?token=***&page=2"),
        ("/back?code=xyz&state=1#top", "/back?code=***&state=***#top"),
        ("email=a%40b.example&sku=tee", "email=***&sku=tee"),
        ('{"access_token": "a\\"b", "sku": "tee"}', '{"access_token": "***", "sku": "tee"}'),
        ('{"phone":4412345, "error":{"code":"declined"}}', '{"phone":"***", "error":{"code":"declined"}}'),
        ('{"password":"cut off in the mid', '{"password":"***"'),
        (
            '<input type="hidden" name="csrfmiddlewaretoken" value="q1">',
            '<input type="hidden" name="csrfmiddlewaretoken" value="***">',
        ),
        ("write to jo.doe+x@mail.shop.example now", "write to *** now"),
        ("Authorization: Bearer abcdef.123456", "Authorization: Bearer ***"),
        ("eyJhbGciOi.eyJzdWIiOi.c2ln", "***"),
        ("card 4242 4242 4242 4242 or 4111111111111111", "card *** or ***"),
        ("order 123456789", "order ***"),
        ("SKU 12345678, 19.99, 2026-11-27", "SKU 12345678, 19.99, 2026-11-27"),
        ("a\x1b[31mb\x00c\r\nd", "a\ufffd[31mb\ufffdc\nd"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_what_is_known_is_masked_wherever_it_stands_also_in_an_address() -> None:
    assert masked_text("so hunter/2 and hunter%2F2 and hunt", ("hunter/2", "hun")) == "so *** and *** and hunt"


def test_a_number_that_is_no_card_s_and_short_is_kept() -> None:
    assert masked_text("4242 4242 4242 4241") == "4242 4242 4242 4241"


def test_a_secret_that_the_cut_falls_into_is_masked_too() -> None:
    assert masked_head(b"x" * 60 + b" 4242424242424242 more", 70) == "x" * 60 + " *** more"
    assert masked_head("é".encode() * 10, 5) == "éé"


def test_only_headers_that_are_known_to_hold_no_secret_are_shown() -> None:
    headers = {"X-Key": "k", "Cookie": "sid=1", "Content-Type": "text/html", "Location": "/a?token=1"}
    masked = {"X-Key": "***", "Cookie": "***", "Content-Type": "text/html", "Location": "/a?token=***"}
    assert masked_headers(headers) == masked


@pytest.mark.parametrize("piece", ["key", "name='token", "?key", '"token', "a@", "1 ", "&email=", "<input name='key' "])
def test_a_page_made_to_be_slow_is_masked_all_the_same(piece: str) -> None:
    """It would take minutes if an expression tried every way to split what it can't match."""
    assert len(masked_head(piece.encode() * 20_000, 16 << 10)) <= 16 << 10
