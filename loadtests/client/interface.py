"""The client's interface for journeys and storefronts: requests, replies, and protocols for client and stream."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from loadtests.client.cookies import Crossing


class Event(NamedTuple):
    """One event: its type, its data without the last line feed, and the id that was the stream's last then."""

    type: str
    data: str
    last_id: str


class Received(NamedTuple):
    """Events that came together, and the time between the kernel receiving them and our reading them (0 if unknown)."""

    events: list[Event]
    read_delay_ns: int


_SEE_OTHER = 303
_MOVED_OR_FOUND = frozenset({301, 302})
# What of a request's own headers goes on to another host: those of https://fetch.spec.whatwg.org/#cors-safelisted-request-header
_SAFELISTED = frozenset({"accept", "accept-language", "content-language"})


class Content(NamedTuple):
    """What is sent as it is, under a media type; with "" none is named."""

    kind: str
    data: bytes


class Request(NamedTuple):
    """One request of a storefront.

    `accept` holds the statuses a healthy shop may answer with. `body` is sent as JSON, or as it is when it is a
    `Content`; `form` is a form's post; at most one of them is given. A header `Cookie` goes beside the jar's cookies,
    and before those of the same name. `follow` names the step under which the page that a redirect leads to is
    requested. `host` is the label of the declared host that the path is below, None for that of `base_url`.
    `shared_ok` says that the reply may show what other shoppers left.
    """

    step: str
    method: str
    path: str
    body: Any = None
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    headers: Mapping[str, str] | None = None
    accept: frozenset[int] = frozenset({200})
    follow: str | None = None
    graphql: bool = False
    host: str | None = None
    shared_ok: bool = False


class Reply(NamedTuple):
    """What came back; `error` is None when it is what the request accepts, else an `error` of `docs/contracts.md`.

    `location` is the path and query, below the address of the declared host `host` (None is `base_url`'s), that a
    redirect leads to. Where it leads to a host that isn't declared, `location` is None and `host` the origin there.
    `html` is whether the body is a page, which may ask for assets. `read_delay_ns` is the time between the kernel
    receiving the reply's last byte and our reading it, 0 if unknown: when many come at once they are read late.
    `waited_ns` is the time that the request waited, unsent, for a connection that is shared.
    """

    status: int = 0
    body: bytes = b""
    error: str | None = None
    location: str | None = None
    html: bool = False
    host: str | None = None
    read_delay_ns: int = 0
    waited_ns: int = 0

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; raises ValueError when it isn't one."""
        value = json_of(self.body)
        if not isinstance(value, dict):
            raise ValueError(f"expected a JSON object, found {type(value).__name__}")  # noqa: TRY004 - one error type
        return value


def json_of(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a body holds as JSON; raises ValueError.

    It is read as a browser reads it (Fetch, `json()`: UTF-8 decode): a byte-order mark is left out, bytes that are no
    UTF-8 are U+FFFD.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        plain = body.decode("utf-8-sig", "replace").encode()
        if plain == body:
            raise
        return orjson.loads(plain)


class Client(Protocol):
    """What journeys need of a client: send one request, get one typed reply, never an exception of the network's.

    `crossing` is how the next request leaves the site of the page that causes it, None when it doesn't: it decides
    which cookies go with it.
    `at_proxy` is whether a request is under way whose connection the environment's proxy hasn't opened yet: nothing
    was asked of the shop.
    """

    at_proxy: bool
    crossing: Crossing | None

    def send(self, request: Request, traceparent: str) -> Reply:
        """Send `request` under `traceparent` (W3C) and read the reply whole.

        Where connections are shared, a GreenletExit that breaks it off leaves as CutOffError, with its `waited_ns`.
        """

    def beside(self) -> "Client":
        """Return another connection of the same shopper to the same origin, with the same cookies.

        Its paths begin at the origin's root.
        """

    def listener(self) -> "Listener":
        """Return an event stream beside the requests, with this shopper's cookies."""

    def close(self) -> None:
        """Close the connection."""


class Listener(Protocol):
    """One event stream at a time.

    `first` holds the events that came with the response's head; `last_id` and `retry_ms` are the stream's last `id` and
    `retry` fields.
    """

    first: list[Event]
    last_id: str
    retry_ms: int | None

    def send(self, request: Request, traceparent: str) -> Reply:
        """Open the stream that `request` asks for; the reply is there with its head, `wrong_reply` when it is none."""

    def receive(self) -> Received | None:
        """Wait for bytes and return the events they complete, if any; None at the stream's end.

        Raises OSError when the stream breaks off, ProtocolError on what is no stream or is over a bound.
        """

    def close(self) -> None:
        """Close the stream, and its connection unless others use it."""


def graphql(
    operation: str,
    query: str,
    variables: Mapping[str, Any],
    path: str = "/graphql",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Return an operation as a request; the step has its name, and `errors` in a 200 are the error `graphql`."""
    body = {"operationName": operation, "query": query, "variables": variables}
    return Request(step=operation, method="POST", path=path, body=body, headers=headers, graphql=True)


def redirected(request: Request, reply: Reply) -> Request:
    """Return the request for the page that `reply` leads to, in `request.follow`'s name (RFC 9110, 15.4).

    After 303, and after 301 and 302 to a POST as browsers have it, that is a GET without the body; else the method
    and the body stay. To another host no header of the request's own goes on that may hold a credential. Raises
    ValueError when there is nothing to follow.
    """
    if reply.location is None or request.follow is None:
        raise ValueError("no redirect to follow")
    step = request.follow
    if reply.host != request.host:
        kept = {name: value for name, value in (request.headers or {}).items() if name.lower() in _SAFELISTED}
        request = request._replace(headers=kept or None, host=reply.host)
    turned = reply.status == _SEE_OTHER or (reply.status in _MOVED_OR_FOUND and request.method == "POST")
    if not turned or request.method == "HEAD":
        return request._replace(step=step, path=reply.location)
    return request._replace(step=step, method="GET", path=reply.location, body=None, form=None, graphql=False)
