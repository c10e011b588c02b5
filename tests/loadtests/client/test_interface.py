"""Requests and replies as storefronts see them: what a redirect asks for next, and what GraphQL's 200 means."""

import pytest

from loadtests.client.interface import Reply, Request, graphql, redirected
from tests.loadtests.client.shoppers import GET, POST, TRACEPARENT, scripted
from tests.loadtests.replies import Untimed

PUT = POST._replace(method="PUT")
HEAD = GET._replace(method="HEAD")


@pytest.mark.parametrize(
    ("request_", "status", "method"),
    [
        *((POST, status, "GET") for status in (301, 302, 303)),
        *((POST, status, "POST") for status in (307, 308)),
        *((PUT, status, "PUT") for status in (301, 302, 307, 308)),
        (PUT, 303, "GET"),
        *((GET, status, "GET") for status in (301, 302, 303, 307, 308)),
        *((HEAD, status, "HEAD") for status in (301, 302, 303, 307, 308)),
    ],
)
def test_the_page_behind_a_redirect_is_asked_for_as_browsers_do(request_: Request, status: int, method: str) -> None:
    asked = request_._replace(follow="thanks", headers={"Accept": "text/html"})
    following = redirected(asked, Untimed(status, location="/thanks?o=1"))
    kept = request_.body if method == request_.method else None
    assert following == asked._replace(step="thanks", method=method, path="/thanks?o=1", body=kept)


@pytest.mark.parametrize(("follow", "location"), [(None, "/x"), ("thanks", None)])
def test_what_leads_nowhere_cannot_be_followed(follow: str | None, location: str | None) -> None:
    with pytest.raises(ValueError, match="no redirect to follow"):
        redirected(GET._replace(follow=follow), Untimed(302, location=location))


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("request_", "location", "told"),
    [
        (GET._replace(follow="next"), "/x", Untimed(302, location="/x")),
        (
            GET._replace(follow="next"),
            "http://evil.test/",
            Untimed(302, error="redirected_away", host="http://evil.test"),
        ),
        (GET._replace(follow="next", accept=frozenset({302})), "//evil.test/", Untimed(302, host="http://evil.test")),
        (GET, "/x", Untimed(302, error="wrong_reply", location="/x")),
        (GET._replace(accept=frozenset({302})), "/x", Untimed(302, location="/x")),
    ],
)
def test_a_redirect_that_is_to_be_followed_is_no_error_while_it_stays(
    request_: Request, location: str, told: Reply
) -> None:
    assert scripted([moved(location)])[0].send(request_, TRACEPARENT) == told


@pytest.mark.parametrize("status", [300, 304, 305])
def test_other_statuses_lead_nowhere(status: int) -> None:
    client, _ = scripted([moved("/x", status)])
    assert client.send(GET._replace(follow="next"), TRACEPARENT) == Untimed(status, error="wrong_reply")


# -- GraphQL ------------------------------------------------------------------------------------------------------


def test_an_operation_is_a_step_of_its_name() -> None:
    assert graphql("addItem", "mutation …", {"id": 7}, "/shop-api", {"X": "y"}) == Request(
        step="addItem",
        method="POST",
        path="/shop-api",
        body={"operationName": "addItem", "query": "mutation …", "variables": {"id": 7}},
        headers={"X": "y"},
        graphql=True,
    )


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"data": {"a": 1}}', None),
        (200, b'{"data": null, "errors": [{"message": "no"}]}', "graphql"),
        (200, b'{"data": {"a": 1}, "errors": [{"message": "in part"}]}', "graphql"),
        (200, b'{"data": {}, "errors": []}', None),
        (200, b'{"data": {}, "errors": null}', None),
        (200, b'{"data": {"errors": [1]}}', None),
        (200, b"<html>", "wrong_reply"),
        (200, b"[]", "wrong_reply"),
        (200, b"", "wrong_reply"),
        (500, b'{"errors": [{"message": "no"}]}', "http_5xx"),
        (400, b'{"errors": [{"message": "no"}]}', "http_4xx"),
    ],
)
def test_a_200_that_tells_of_errors_is_one(status: int, body: bytes, error: str | None) -> None:
    data = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    client, _ = scripted([data, data])
    assert client.send(graphql("search", "query …", {}), TRACEPARENT) == Untimed(status, body, error)
    plain = client.send(Request("search", "POST", "/", body={}), TRACEPARENT).error
    assert plain == (None if status == 200 else error)


def test_a_secret_that_a_reply_repeats_is_masked_and_json_is_judged_after() -> None:
    body = b'{"token": "hunter22"}'
    client, _ = scripted([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)], masks=(b"hunter22",))
    assert client.send(GET, TRACEPARENT) == Untimed(200, b'{"token": "********"}')


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'\xef\xbb\xbf{"name": "Zo\xc3\xab"}', "Zoë"),  # Fetch, json(): UTF-8 decode leaves a byte-order mark out
        (b'{"name": "Zo\xeb"}', "Zo\ufffd"),
    ],
)
def test_json_is_read_as_a_browser_reads_it(body: bytes, name: str) -> None:
    assert Reply(200, body).json() == {"name": name}


def test_what_is_no_json_behind_a_byte_order_mark_is_none() -> None:
    with pytest.raises(ValueError, match="line 1 column 1"):
        Reply(200, b"\xef\xbb\xbfno").json()
