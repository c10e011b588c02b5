"""What an entry of a recording is: a page, a call for data, or something that is no step of a shopper's."""

import re
from collections.abc import Callable, Sequence

from loadtests.har.entries import Entry

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_HTTP = "not over HTTP"
_ASSETS = frozenset({"image", "stylesheet", "script", "font", "media", "manifest", "texttrack", "imageset", "track"})
# https://fetch.spec.whatwg.org/#concept-request-destination
_ASSET_DESTINATIONS = frozenset(
    {"audio", "audioworklet", "embed", "font", "image", "manifest", "object", "paintworklet", "report", "script"}
    | {"serviceworker", "sharedworker", "style", "track", "video", "worker", "xslt"}
)
_ASSET_TYPES = re.compile(
    r"image/|font/|video/|audio/|text/css|text/javascript|application/(x-)?javascript|application/(x-)?font"
    r"|application/wasm|application/vnd\.ms-fontobject|application/manifest"
)
_ASSET_NAMES = re.compile(
    r"\.(js|mjs|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp4|webm|mp3|wasm|webmanifest)$"
)
_BEACONS = frozenset({"ping", "beacon", "cspviolationreport", "csp-violation-report"})


def kind_of(entry: Entry) -> str:
    """Return `page`, `data`, or why it is no step.

    Told by the browser's own word for it (`_resourceType`), else by the fetch metadata of the request's headers
    (https://www.w3.org/TR/fetch-metadata/), which every browser sends, else by what was accepted and answered.
    """
    return next((kind for kind, holds in _RULES if holds(entry)), "data")


def _is_preflight(entry: Entry) -> bool:
    return entry.method == "OPTIONS" and "access-control-request-method" in entry.asked


def _is_prefetched(entry: Entry) -> bool:
    asked = entry.asked
    purpose = " ".join(asked.get(name, "") for name in ("purpose", "sec-purpose", "x-moz")).lower()
    return "prefetch" in purpose or "next-router-prefetch" in asked or entry.kind == "prefetch"


def _is_stream(entry: Entry) -> bool:
    return entry.kind in ("websocket", "eventsource") or entry.mime == "text/event-stream"


def _is_asset(entry: Entry) -> bool:
    if entry.kind in _ASSETS or entry.asked.get("sec-fetch-dest") in _ASSET_DESTINATIONS:
        return True
    if entry.method not in ("GET", "HEAD"):
        return False
    named = _ASSET_NAMES.search(entry.parts.path) is not None and not entry.is_json
    return _ASSET_TYPES.match(entry.mime) is not None or (named and (not entry.mime or not entry.kind))


def _is_page(entry: Entry) -> bool:
    asked = entry.asked
    return (
        entry.kind == "document"
        or asked.get("sec-fetch-dest") == "document"
        or asked.get("sec-fetch-mode") == "navigate"
    )


def _is_data(entry: Entry) -> bool:
    asked = entry.asked
    return entry.kind in ("xhr", "fetch") or asked.get("sec-fetch-dest") == "empty" or "x-requested-with" in asked


def _looks_like_a_page(entry: Entry) -> bool:
    accept = entry.asked.get("accept", "")
    return ("text/html" in accept or not accept) and (entry.is_html or entry.status in REDIRECTS)


_RULES: Sequence[tuple[str, Callable[[Entry], bool]]] = (
    ("preflights", _is_preflight),
    ("tunnels", lambda entry: entry.method == "CONNECT"),
    ("aborted", lambda entry: entry.is_aborted),
    ("prefetched", _is_prefetched),
    ("event streams and sockets", _is_stream),
    ("beacons", lambda entry: entry.kind in _BEACONS),
    ("pages within pages", lambda entry: entry.asked.get("sec-fetch-dest") in ("iframe", "frame")),
    ("images, scripts, styles", _is_asset),
    ("page", _is_page),
    ("data", _is_data),
    ("page", _looks_like_a_page),
)
