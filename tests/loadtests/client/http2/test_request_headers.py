"""What we say is what another's reading of HPACK and HTTP/2 makes of it."""

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.http2.request_headers import HeaderBlocks, HeaderBlockWithContent
from loadtests.client.interface import Request
from loadtests.client.origin import Origin
from tests.loadtests.client.shoppers import GET, TRACEPARENT

HEADERS = {"User-Agent": "peakproof/test", "Accept": "application/json", "X-Long": "v" * 300}
WORDING = HeaderBlocks(Origin.of("https://shop.test:8443/base"), HEADERS)
EACH = [("user-agent", "peakproof/test"), ("accept", "application/json"), ("x-long", "v" * 300)]
LAST = [("accept-encoding", "gzip, br"), ("traceparent", TRACEPARENT)]


def read(block: bytes) -> list[tuple[str, str]]:
    decoder = Decoder()
    found = [(str(name), str(value)) for name, value in decoder.decode(block)]
    assert not decoder.header_table.dynamic_entries  # nothing of a request goes into a table
    return found


def first(method: str, path: str) -> list[tuple[str, str]]:
    return [(":method", method), (":scheme", "https"), (":authority", "shop.test:8443"), (":path", path)]


def test_a_page_is_asked_for_with_everything_that_goes_with_it() -> None:
    for _ in range(2):  # the second time from what is kept
        assert read(WORDING.of(GET, TRACEPARENT, "a=b; c=d")) == [
            *first("GET", "/base/"), *EACH, *LAST, ("cookie", "a=b; c=d"),
        ]  # fmt: skip


def test_a_request_s_own_headers_take_the_place_of_those_of_each() -> None:
    block = WORDING.of(GET._replace(headers={"Accept": "text/html", "X-Mine": "1"}), TRACEPARENT, "")
    assert read(block) == [
        *first("GET", "/base/"), ("accept", "text/html"), ("x-mine", "1"), EACH[0], EACH[2], *LAST,
    ]  # fmt: skip


def test_what_is_kept_of_requests_is_bounded_however_many_kinds_there_are() -> None:
    wording = HeaderBlocks(Origin.of("https://shop.test:8443/base"), HEADERS)
    for number in range(600):
        block = wording.of(GET._replace(headers={f"X-Mine-{number}": "1"}), TRACEPARENT, "")
        assert read(block) == [*first("GET", "/base/"), (f"x-mine-{number}", "1"), *EACH, *LAST]
    assert 0 < len(wording._known) <= 256


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_is_said(method: str) -> None:
    length = [("content-length", "0")] if method in {"POST", "PUT", "PATCH"} else []
    block = WORDING.of(Request(step="s", method=method, path="/p?q=1"), TRACEPARENT, "")
    assert read(block) == [*first(method, "/base/p?q=1"), *EACH, *LAST, *length]


def test_content_goes_apart_from_its_head() -> None:
    block = WORDING.of(Request(step="s", method="POST", path="/", form={"a": "b c"}), TRACEPARENT, "")
    assert isinstance(block, HeaderBlockWithContent)
    assert block.content == b"a=b+c"
    told = [("content-type", "application/x-www-form-urlencoded"), ("content-length", "5")]
    assert read(block) == [*first("POST", "/base/"), *EACH, *LAST, *told]


def test_the_environment_s_own_host_and_cookie_are_said() -> None:
    wording = HeaderBlocks(Origin.of("http://10.0.0.1"), {"Host": "shop.test", "Cookie": "gate=1"})
    found = dict(read(wording.of(GET, TRACEPARENT, "sid=2")))
    assert (found[":authority"], found[":scheme"], found["cookie"]) == ("shop.test", "http", "gate=1; sid=2")
    assert "host" not in found


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20_000))
def test_a_path_of_any_length_is_read_as_it_was_said(path: str) -> None:
    assert dict(read(WORDING.of(GET._replace(path=f"/{path}"), TRACEPARENT, "")))[":path"] == f"/base/{path}"


@pytest.mark.parametrize("name", ["Connection", "Host", "TE", "Content-Length", "a b", ""])
def test_a_header_that_is_not_a_request_s_own_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError, match="not a header of a request's own"):
        WORDING.of(GET._replace(headers={name: "x"}), TRACEPARENT, "")
