"""The values that a request carries: in its path, its query, a form, JSON and headers of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

from loadtests.har.addresses import secrets_in_path
from loadtests.har.entries import Entry, Pairs
from loadtests.har.operations import json_of, operation_of
from loadtests.har.words import singular

Where = Literal["path", "query", "form", "json", "header"]
Place = tuple[str | int, ...]
MAX_DEPTH = 32
MAX_VALUES = 2000
# What a browser or a proxy adds on its own account, or the client writes:
# https://fetch.spec.whatwg.org/#forbidden-request-header
_BROWSERS = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "access-control-request-headers",
        "access-control-request-method", "cache-control", "connection", "content-length",
        "content-type", "cookie", "dnt", "expect", "host",
        "if-modified-since", "if-none-match", "keep-alive", "origin", "pragma", "priority", "proxy-authorization",
        "purpose", "referer", "save-data", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
        "upgrade-insecure-requests", "user-agent", "via", "x-client-data", "x-forwarded-for", "x-forwarded-proto",
        "x-forwarded-host", "baggage", "b3", "sentry-trace", "x-datadog-trace-id", "x-datadog-parent-id",
        "x-datadog-origin", "x-datadog-sampling-priority", "newrelic", "x-newrelic-id", "range", "device-memory",
        "downlink", "dpr", "ect", "rtt", "viewport-width", "width", "alt-used",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One value: `place` tells it from the request's others, `name` says what it is."""

    where: Where
    place: Place
    name: str
    value: str


def own_headers(entry: Entry) -> Pairs:
    """Return the headers that the page's own code added."""
    return tuple(
        (name, value)
        for name, value in entry.headers
        if name not in _BROWSERS and not name.startswith((":", "sec-", "proxy-", "x-b3-"))
    )


def slots_of(entry: Entry) -> Iterator[Slot]:
    """Return every value of a request, at most 2,000 of its JSON."""
    parts = entry.parts.path.split("/")
    secret = {number for number, _ in secrets_in_path(entry.parts.path)}
    for number, part in enumerate(parts):
        if part:
            before = next((parts[one] for one in reversed(range(number)) if parts[one] and one not in secret), "")
            yield Slot(where="path", place=(number,), name=f"{singular(before)} id", value=unquote(part))
    yield from _of_pairs("query", entry.query)
    if entry.form is not None:
        yield from _of_pairs("form", entry.form)
    elif (body := body_of(entry)) is not None:
        yield from _of_json(body)
    yield from _of_pairs("header", own_headers(entry))


@lru_cache(maxsize=64)
def body_of(entry: Entry) -> Any:  # noqa: ANN401 - JSON
    """Return what is sent as JSON, of a GraphQL operation its variables; None for no JSON."""
    if operation := operation_of(entry):
        return operation.variables
    if entry.form is not None or entry.sent_text.lstrip()[:1] not in ("{", "["):
        return None
    return json_of(entry.sent_text)


def _of_pairs(where: Literal["query", "form", "header"], pairs: Pairs) -> Iterator[Slot]:
    for number, (name, value) in enumerate(pairs):
        yield Slot(where=where, place=(name, number), name=name, value=value)


def _of_json(body: Any) -> Iterator[Slot]:  # noqa: ANN401 - JSON
    for number, (path, value) in enumerate(leaves(body)):
        if number >= MAX_VALUES:
            return
        name = next((one for one in reversed(path) if isinstance(one, str)), "")
        yield Slot(where="json", place=path, name=name, value=value)


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, str]]:  # noqa: ANN401 - JSON
    """Return each text and number of a JSON value with its path; what is deeper than 32 is passed over."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, number))
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)
