"""What goes out is HTTP: each part in its place, and nothing that a shop says can add a line."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.interface import Request
from loadtests.client.origin import Origin
from loadtests.client.request_bytes import RequestBytes
from tests.loadtests.client.shoppers import GET, POST, TRACEPARENT

SHOP = Origin("http", "shop.test", 8080, "/v1")
CONSTANT = {"User-Agent": "peakproof/1", "Accept": "application/json"}


def words(request: Request, cookies: str = "", headers: dict[str, str] | None = None) -> str:
    return RequestBytes(SHOP, CONSTANT if headers is None else headers).of(request, TRACEPARENT, cookies).decode()


def test_a_request_is_worded_whole() -> None:
    assert words(GET, "a=b") == (
        "GET /v1/ HTTP/1.1\r\nHost: shop.test:8080\r\nUser-Agent: peakproof/1\r\nAccept: application/json\r\n"
        f"Accept-Encoding: gzip, br\r\ntraceparent: {TRACEPARENT}\r\nCookie: a=b\r\n\r\n"
    )


def test_json_has_its_type_and_length_in_bytes() -> None:
    told = words(POST._replace(body={"n": "Zoë"}))
    assert told.endswith('Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"n":"Zoë"}')


def test_a_form_is_posted_as_browsers_do() -> None:
    told = words(POST._replace(body=None, form={"a b": "c&d", "e": "ë"}))
    assert told.endswith(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\na+b=c%26d&e=%C3%AB"
    )


@pytest.mark.parametrize(("method", "told"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False)])
def test_no_body_is_said_where_one_is_expected(method: str, *, told: bool) -> None:
    text = words(Request("cart", method, "/cart"))
    assert ("Content-Length: 0\r\n" in text, "Content-Type" in text) == (told, False)


def test_an_empty_body_is_a_body() -> None:
    assert words(POST._replace(body={})).endswith("Content-Length: 2\r\n\r\n{}")


def test_a_request_s_own_header_takes_the_place_of_the_constant_one() -> None:
    told = words(GET._replace(headers={"accept": "text/html", "Idempotency-Key": "k"}))
    assert told.count("ccept: ") == 1
    assert "\r\naccept: text/html\r\nIdempotency-Key: k\r\n" in told


def test_what_was_worded_before_is_worded_alike_with_other_values() -> None:
    wording = RequestBytes(SHOP, CONSTANT)
    told = [wording.of(GET._replace(path=f"/{n}", headers={"X-N": str(n)}), TRACEPARENT, "").decode() for n in range(3)]
    assert [text.split("\r\n")[0] for text in told] == [f"GET /v1/{n} HTTP/1.1" for n in range(3)]
    assert [f"\r\nX-N: {n}\r\n" in text for n, text in enumerate(told)] == [True] * 3
    assert wording.of(GET, TRACEPARENT, "").decode() == words(GET)


def test_the_environment_may_set_the_host_and_what_it_takes_encoded() -> None:
    told = words(GET, headers={"HOST": "other.test", "accept-encoding": "identity"})
    assert "\r\nHOST: other.test\r\naccept-encoding: identity\r\n" in told
    assert (told.lower().count("host:"), told.lower().count("accept-encoding:")) == (1, 1)


BAD_PATHS = [
    "",
    "a",
    "*",
    "http://x/",
    "/a b",
    "/a\r\nX: y",
    "/a\n",
    "/\x00",
    "/\x7f",
    "/\t",
    "/é",
    "/\u2028",
    "/\ud800",
]
BAD_VALUES = ["a\r\nX: y", "a\n", "a\r", "\x00", "\x7f", "\t", "é", "\u2028", "\ud800"]
BAD_NAMES = ["", "a b", "a:", "a\r\n", "é", "X\x00", "(a)"]
RESERVED = ["Host", "CONTENT-LENGTH", "Transfer-Encoding", "connection", "traceparent", "Upgrade", "Expect"]


@pytest.mark.parametrize(
    "request_",
    [
        *(GET._replace(path=path) for path in BAD_PATHS),
        *(GET._replace(headers={"X": value}) for value in BAD_VALUES),
        *(GET._replace(headers={name: "x"}) for name in BAD_NAMES + RESERVED),
        *(GET._replace(method=method) for method in ["", "get", "GET /x", "GET\r\n", "É"]),
        POST._replace(form={"a": "b"}),
        POST._replace(body={"a": "\ud800"}),
        POST._replace(body={"a": {1, 2}}),
    ],
    ids=repr,
)
def test_what_http_cannot_say_is_not_said(request_: Request) -> None:
    wording = RequestBytes(SHOP, CONSTANT)
    for _ in range(2):  # not the second time either
        with pytest.raises(ProtocolError):
            wording.of(request_, TRACEPARENT, "")


@pytest.mark.parametrize("headers", [{"X": "a\r\nb"}, {"X Y": "a"}, {"": "a"}])
def test_nor_in_the_environment_s_name(headers: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        words(GET, headers=headers)


def test_no_end_of_names_is_kept() -> None:
    wording = RequestBytes(SHOP, CONSTANT)
    for number in range(1000):
        wording.of(GET._replace(headers={f"X-{number}": "y"}), TRACEPARENT, "")
    assert 0 < len(wording._templates) <= 256


@given(path=st.text(max_size=20), name=st.text(max_size=8), value=st.text(max_size=20), cookie=st.text(max_size=20))
def test_whatever_a_shop_makes_a_request_of_it_is_one_request_or_none(
    path: str, name: str, value: str, cookie: str
) -> None:
    request = POST._replace(path=path, headers={name: value})
    try:
        text = words(request, cookie if set(cookie) <= set(string.ascii_letters) else "")
    except ProtocolError:
        return
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == f"POST /v1{path} HTTP/1.1"
    assert [line.partition(":")[0] for line in lines[1:] if line.partition(":")[0].lower() == name.lower()] == [name]
    assert body == '{"lines":[]}'
