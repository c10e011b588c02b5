"""Nothing that looks like a person's or a secret is kept of a reply, and what helps to mend a storefront is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.results.masking import masked_fields, masked_head, masked_headers, masked_text


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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("first_name=Jo&city=Bonn&sku=tee", "first_name=***&city=***&sku=tee"),
        ('{"street": "12 High St", "zip": 53111, "sku": "tee"}', '{"street": "***", "zip": "***", "sku": "tee"}'),
        ('{"error": {"postcode": ["is not valid"]}}', '{"error": {"postcode": ["is not valid"]}}'),
        ('<input value="Jo" name="first_name">', '<input value="***" name="first_name">'),
        ('<meta name="csrf-token" content="q1">', '<meta name="csrf-token" content="***">'),
        ("<address>Jo Doe<br>Bonn</address> tee", "<address>***</address> tee"),
        ('<p class="shipping-address">Jo Doe</p>', '<p class="shipping-address">***</p>'),
        ("Set-Cookie: sid=abc; Path=/\nnext", "Set-Cookie: ***\nnext"),
        ("'HTTP_COOKIE': 'sid=abc; b=2', 'X': 'y'", "'HTTP_COOKIE': '***', 'X': 'y'"),
        ("cookie: must be set", "cookie: must be set"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN ***."),
        ("call +49 170 1234567 now", "call *** now"),
        ("redis://:hunter2@cache/0, postgres://shop:pw@db:5432", "redis://***@cache/0, postgres://***@db:5432"),
        ("at https://docs.example/a@b and x://y", "at https://docs.example/a@b and x://y"),
        ("'password' => 'hunt\\'er2', \"city\" => \"Bonn\"", "'password' => '***', \"city\" => \"***\""),
        ("{'token': 'abcdef', 'x': 1}", "{'token': '***', 'x': 1}"),
        (r'{"m":"{\"api-key\":\"a1\",\"a\":1}"}', r'{"m":"{\"api-key\":\"***\",\"a\":1}"}'),
        ("data-page='{&quot;city&quot;:&quot;O&#39;Fallon&quot;,&quot;x&quot;:1}'",
         "data-page='{&quot;city&quot;:&quot;***&quot;,&quot;x&quot;:1}'"),
        ('<input type="password" id="a" value="hunter2">', '<input type="password" id="a" value="***">'),
        ('{"pwd": "hunter2", "password_required": true}', '{"pwd": "***", "password_required": true}'),
    ],
)  # fmt: skip
def test_what_is_a_persons_is_masked_and_what_is_wrong_is_kept(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_the_fields_of_a_reply_are_bounded_in_number_and_length() -> None:
    many = [(f"x-{n}", "v") for n in range(99)]
    found = masked_fields([("server", "s" * 999), ("set-cookie", "sid=1"), ("Content-Type", "a\x00b"), *many])
    assert (len(found), len(found["server"]), found["set-cookie"], found["Content-Type"]) == (
        40,
        200,
        "***",
        "a\ufffdb",
    )


PLAIN = st.text(st.sampled_from("ab ,.<>\n\u00e9\u202e\x00{}&"), max_size=60)
SECRETS = st.sampled_from(
    [
        ("jo.doe@mail.example", "jo.doe"),
        ("4242 4242 4242 4242", "4242 4242"),
        ("Bearer abcdef123456", "abcdef"),
        ("eyJhbGciOi.eyJzdWIiOi.c2ln", "eyJ"),
        ('{"password": "hunter2"}', "hunter2"),
        ('{"street": "12 High St"}', "High"),
        ("Cookie: sid=hunter2", "hunter2"),
        ("+49 170 1234567", "1234567"),
        ("hunter2known", "hunter2"),
        ("redis://:hunter2@cache", "hunter2"),
        ("{'pwd': 'hunter2'}", "hunter2"),
    ]
)


@given(before=PLAIN, secret=SECRETS, after=PLAIN, cut=st.integers(0, 200))
def test_no_secret_is_shown_wherever_it_stands_and_wherever_the_cut_falls(
    before: str, secret: tuple[str, str], after: str, cut: int
) -> None:
    """Nothing that a terminal or a page obeys is either, and no more than was asked for."""
    text, canary = secret
    body = f"{before} {text} {after}".encode() * 3
    shown = masked_head(body, cut, ("hunter2known",))
    assert canary not in shown
    assert len(shown.encode()) <= cut
    assert not set(shown) & set("\x00\u202e")


@given(body=st.binary(max_size=400), cut=st.integers(0, 300))
def test_any_bytes_become_text_within_the_bound(body: bytes, cut: int) -> None:
    shown = masked_head(body, cut)
    assert len(shown.encode()) <= cut
    assert all(character.isprintable() or character in "\t\n\xa0\xad" for character in shown if character < "\u0100")
