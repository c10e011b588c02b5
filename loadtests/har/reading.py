"""Reads a HAR 1.2 file of any size, one entry at a time; the memory that it takes is bounded.

The format: https://w3c.github.io/web-performance/specs/HAR/Overview.html; keys that begin with _ are Chromium's own.
Nothing of a file is shown but places in it and types: what stands there may be a secret.
"""

import base64
import binascii
import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import ijson

from loadtests.har.entries import Entry, Pairs, Recording
from loadtests.har.kinds import NOT_HTTP, kind_of
from loadtests.har.pieces import Pieces
from slo.documents import BadInput, open_file

MAX_BYTES = 1 << 30
MAX_ENTRY_BYTES = 64 << 20
MAX_ENTRIES = 50_000
MAX_DEPTH = 40
MAX_BODY_BYTES = 4 << 20
MAX_KEPT_BYTES = 64 << 20
MAX_HELD_BYTES = 64 << 20
_ENTRY = "log.entries.item"
_CREATOR = "log.creator.name"
# What is big or deep and says nothing of the visit.
_SKIPPED = frozenset({"timings", "cache", "_webSocketMessages", "cookies", "_initiator.stack", "_initiator.callFrames"})
_READ = ("text/html", "application/xhtml+xml", "application/json", "text/plain", "text/x-component")
_DEEPER = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
_BOM, _GZIP = b"\xef\xbb\xbf", b"\x1f\x8b"


def read_har(path: Path) -> Recording:
    """Return the visit that the file at `path` holds; raises BadInput, which names the place in it.

    At most 1 GiB, 50,000 entries, 64 MiB an entry. Of replies the pages and JSON are kept, 4 MiB each and 64 MiB in
    all; of what isn't kept its entry says why.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(f"{path}: {size} bytes; at most {MAX_BYTES} are read: record one visit, or leave bodies out")
        with open_file(path) as file:
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if not packed:
                return _Reader(path, file).recording()
            with gzip.open(file) as unpacked:
                return _Reader(path, cast("BinaryIO", unpacked)).recording()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error


class _Source:
    """The file as ijson reads it; refuses a single entry that goes on and on, as it would be held whole."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._pieces = path, Pieces(file)
        self.at = self.entry_at = self.entries = 0
        if file.read(len(_BOM)) != _BOM:  # some recorders write one, which JSON doesn't know
            file.seek(0)

    def read(self, size: int) -> bytes:
        # ijson asks for no byte first. It makes all events of a piece before one is seen: a small one has few levels.
        data = self._pieces.next() if size > 0 else b""
        self.at += len(data)
        if self.at > MAX_BYTES:
            raise BadInput(f"{self._path}: over {MAX_BYTES} bytes, unpacked: record one visit")
        if self.at - self.entry_at > MAX_ENTRY_BYTES:
            raise BadInput(
                f"{self._path}: log.entries[{self.entries}]: over {MAX_ENTRY_BYTES} bytes; at most so many are read"
            )
        return data


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._source = path, _Source(path, file)
        self._creator, self._kept, self._held = "", 0, 0

    def recording(self) -> Recording:
        entries = sorted(self._entries(), key=lambda entry: (entry.started_s, entry.number))
        if not entries:
            raise BadInput(f"{self._path}: log.entries: expected the requests of a visit, found none")
        return Recording(source=str(self._path), creator=self._creator, entries=tuple(entries))

    def _entries(self) -> Iterator[Entry]:
        source = self._source
        for number, value in enumerate(self._values()):
            if number >= MAX_ENTRIES:
                raise BadInput(f"{self._path}: over {MAX_ENTRIES} entries: record one visit")
            yield self._entry(number, value)
            source.entry_at, source.entries = source.at, number + 1

    def _values(self) -> Iterator[Any]:
        try:
            yield from self._built(ijson.parse(self._source, use_float=True))
        except (ijson.JSONError, UnicodeDecodeError, ValueError, OverflowError) as error:
            if isinstance(error, BadInput):
                raise
            whole, at = self._source.entries, self._source.at
            raise BadInput(
                f"{self._path}: log.entries[{whole}]: cut short or not JSON, before byte {at};"
                f" {whole} entries are whole: save the recording again"
            ) from None

    def _built(self, events: Any) -> Iterator[Any]:  # noqa: ANN401 - ijson's own
        """Build each entry out of the events; depth is bounded everywhere."""
        depth, seen, entry = 0, False, _EntryBuilder()
        for prefix, event, value in events:
            depth += _DEEPER.get(event, 0)
            if depth > MAX_DEPTH:
                raise BadInput(f"{self._path}: {self._place(prefix)}: nested over {MAX_DEPTH} deep")
            self._check_shape(prefix, event)
            seen = seen or prefix == "log.entries"
            if prefix == _CREATOR and event == "string":
                self._creator = value[:80]
            if prefix.startswith(_ENTRY) and entry.takes(prefix, event, value):
                yield entry.value
                entry = _EntryBuilder()
        if not seen:
            raise BadInput(f"{self._path}: log.entries: required and missing: is it a HAR file?")

    def _check_shape(self, prefix: str, event: str) -> None:
        expected = {"": "start_map", "log": "start_map", "log.entries": "start_array", _ENTRY: "start_map"}.get(prefix)
        if expected is None or event in (expected, expected.replace("start", "end"), "map_key"):
            return
        what = {"start_map": "an object", "start_array": "a list"}[expected]
        raise BadInput(f"{self._path}: {self._place(prefix)}: expected {what}, found {_named(event)}")

    def _place(self, prefix: str) -> str:
        place = prefix.replace(_ENTRY, f"log.entries[{self._source.entries}]", 1) or "the top"
        return place if len(place) <= 120 else f"{place[:120]}…"  # noqa: PLR2004 - as much as one reads

    def _entry(self, number: int, value: dict[str, Any]) -> Entry:
        of = _Fields(value, f"{self._path}: log.entries[{number}]")
        request, response = of.part("request", needed=True), of.part("response")
        content, sent, asker = response.part("content"), request.part("postData"), of.part("_initiator")
        mime = content.text("mimeType").partition(";")[0].strip().lower()
        started = _seconds(of.text("startedDateTime"), of.where)
        status = int(response.number("status"))
        body, lacks = self._body(content, mime)
        entry = Entry(
            number=number,
            page=of.text("pageref"),
            started_s=started,
            ended_s=started + max(0.0, of.number("time")) / 1000,
            method=request.text("method", needed=True).upper(),
            url=request.address("url"),
            headers=request.pairs("headers", lower=True),
            sent_type=sent.text("mimeType") or dict(request.pairs("headers", lower=True)).get("content-type", ""),
            sent_text=sent.text("text"),
            sent_params=sent.pairs("params"),
            status=status,
            reply_headers=response.pairs("headers", lower=True),
            mime=mime,
            redirect=response.text("redirectURL"),
            body=body,
            lacks=lacks,
            kind=of.text("_resourceType").lower(),
            initiator=asker.text("url"),
            is_cached=bool(of.value.get("_fromCache")),
            is_aborted=status <= 0 or bool(response.value.get("_error")),
        )
        return self._kept_of(entry, of.where)

    def _kept_of(self, entry: Entry, where: str) -> Entry:
        """Return an entry with what is kept of it; raises BadInput when that becomes too much."""
        what = kind_of(entry) if entry.url[:5].lower().startswith("http") else NOT_HTTP
        if what not in ("page", "data"):
            url = entry.url if what != NOT_HTTP else entry.url[:80]
            entry = replace(entry, url=url, headers=(), reply_headers=(), sent_text="", sent_params=(), body=None)
        pairs = (*entry.headers, *entry.reply_headers, *entry.sent_params)
        self._held += len(entry.url) + len(entry.sent_text) + sum(len(name) + len(value) for name, value in pairs)
        if self._held > MAX_HELD_BYTES:
            raise BadInput(f"{where}: over {MAX_HELD_BYTES} characters of requests and headers: record one visit")
        return replace(entry, what=what)

    def _body(self, content: "_Fields", mime: str) -> tuple[bytes | None, str]:
        """Return a reply's body as UTF-8 where it is one to read, else why there is none."""
        text = content.text("text")
        if mime and not (mime.startswith(_READ) or mime.endswith("+json")):
            return None, ""
        if not text:
            return None, "" if content.number("size") == 0 else "it isn't in the recording"
        body = _decoded(text, content.text("encoding"), content.text("mimeType"))
        if body is None:
            return None, "its base64 can't be read"
        if len(body) > MAX_BODY_BYTES:
            return None, f"over {MAX_BODY_BYTES >> 20} MiB"
        if self._kept + len(body) > MAX_KEPT_BYTES:
            return None, f"over {MAX_KEPT_BYTES >> 20} MiB of pages came before"
        self._kept += len(body)
        return body, ""


class _EntryBuilder:
    """Builds one entry, without what is skipped."""

    def __init__(self) -> None:
        self._builder, self._skipped = ijson.ObjectBuilder(), 0

    @property
    def value(self) -> Any:  # noqa: ANN401 - JSON
        """What was built."""
        return self._builder.value

    def takes(self, prefix: str, event: str, value: object) -> bool:
        """Take one event; whether it was the entry's last."""
        deeper = _DEEPER.get(event, 0)
        if self._skipped:
            self._skipped += deeper
        elif deeper > 0 and _is_skipped(prefix):
            self._skipped = 1
            self._builder.event("null", None)
        else:
            self._builder.event(event, value)
        return prefix == _ENTRY and event == "end_map"


class _Fields:
    """An object of the file; each read says what its value must be, and null is as good as missing."""

    def __init__(self, value: dict[str, Any], where: str) -> None:
        self.value, self.where = value, where

    def part(self, name: str, *, needed: bool = False) -> "_Fields":
        found = self.value.get(name)
        if found is None and not needed:
            found = {}
        if not isinstance(found, dict):
            raise self._wrong(name, "an object", found)
        return _Fields(found, f"{self.where}.{name}")

    def text(self, name: str, *, needed: bool = False) -> str:
        found = self.value.get(name)
        if found is None and not needed:
            return ""
        if not isinstance(found, str):
            raise self._wrong(name, "a text", found)
        return found

    def address(self, name: str) -> str:
        found = self.text(name, needed=True)
        try:
            _ = urlsplit(found).port
        except ValueError:
            raise BadInput(f"{self.where}.{name}: expected an address, found what is none") from None
        return found

    def number(self, name: str) -> float:
        found = self.value.get(name)
        if found is None:
            return 0
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self._wrong(name, "a number", found)
        return found

    def pairs(self, name: str, *, lower: bool = False) -> Pairs:
        """Return a list of names and values; one without a name is passed over."""
        found = self.value.get(name) or []
        if not isinstance(found, list):
            raise self._wrong(name, "a list", found)
        pairs = []
        for number, one in enumerate(found):
            if not isinstance(one, dict):
                raise self._wrong(f"{name}[{number}]", "an object", one)
            fields = _Fields(one, f"{self.where}.{name}[{number}]")
            key = fields.text("name")
            if key:
                pairs.append((key.lower() if lower else key, fields.text("value")))
        return tuple(pairs)

    def _wrong(self, name: str, what: str, found: object) -> BadInput:
        return BadInput(f"{self.where}.{name}: expected {what}, found {_type_of(found)}")


def _is_skipped(prefix: str) -> bool:
    return prefix.removeprefix(f"{_ENTRY}.").removeprefix("request.").removeprefix("response.") in _SKIPPED


def _decoded(text: str, encoding: str, kind: str) -> bytes | None:
    if encoding.lower() != "base64":
        return text.encode("utf-8", errors="replace")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    charset = kind.lower().partition("charset=")[2].strip(" \"';") or "utf-8"
    try:
        return raw.decode(charset, errors="replace").encode()
    except LookupError:
        return raw


def _seconds(text: str, where: str) -> float:
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise BadInput(f"{where}.startedDateTime: expected a time such as 2026-11-27T19:00:00.000Z") from None


def _type_of(value: object) -> str:
    kinds = {"dict": "an object", "list": "a list", "str": "a text", "bool": "true or false", "NoneType": "nothing"}
    return kinds.get(type(value).__name__, "a number")


def _named(event: str) -> str:
    kinds = {"start_map": "an object", "start_array": "a list", "string": "a text", "boolean": "true or false"}
    return {**kinds, "null": "null"}.get(event, "a number")
