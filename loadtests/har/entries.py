"""What a recording holds: the requests of a visit and their replies, of any browser or proxy, in the order of time."""

import email
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, parse_qsl, urlsplit

Pairs = tuple[tuple[str, str], ...]
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request and its reply.

    `number` is its place in `log.entries`. Times are seconds since the epoch. Names of headers are in lower case.
    `body` is the reply's as UTF-8, None where it isn't kept: `lacks` says why, "" when nobody needs it. `kind` is the
    browser's word for what asked for it, such as document, xhr or image: "" where the recording doesn't say.
    `initiator` is the address of the page or script that asked, where that is known. `what` is `page`, `data`, or why
    it is no step: then nothing of its headers and of what it sent is kept.
    """

    number: int
    page: str
    started_s: float
    ended_s: float
    method: str
    url: str
    headers: Pairs
    sent_type: str = ""
    sent_text: str = ""
    sent_params: Pairs = ()
    status: int = 0
    reply_headers: Pairs = ()
    mime: str = ""
    redirect: str = ""
    body: bytes | None = None
    lacks: str = ""
    kind: str = ""
    initiator: str = ""
    is_cached: bool = False
    is_aborted: bool = False
    what: str = ""

    @cached_property
    def parts(self) -> SplitResult:
        """The address in parts."""
        return urlsplit(self.url)

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port as one writes them: without a default port."""
        host = self.parts.hostname or ""
        port = {None: "", 80: "", 443: ""}.get(self.parts.port, f":{self.parts.port}")
        if (self.parts.scheme, self.parts.port) in (("https", 80), ("http", 443)):
            port = f":{self.parts.port}"
        return f"{self.parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    @cached_property
    def asked(self) -> Mapping[str, str]:
        """The request's headers by name; of several the last."""
        return dict(self.headers)

    @cached_property
    def query(self) -> Pairs:
        """The query's parameters."""
        return tuple(parse_qsl(self.parts.query, keep_blank_values=True))

    @cached_property
    def form(self) -> Pairs | None:
        """The fields of a form that was sent, None for none."""
        kind = self.sent_type.partition(";")[0].strip().lower()
        if kind == _MULTIPART:
            return self.sent_params or tuple(_parts(self.sent_type, self.sent_text))
        if kind != _FORM:
            return None
        if self.sent_text:
            return tuple(parse_qsl(self.sent_text, keep_blank_values=True))
        return self.sent_params

    def reply_header(self, name: str) -> str:
        """Return a header of the reply, "" for none."""
        return next((value for key, value in self.reply_headers if key == name), "")

    @property
    def is_html(self) -> bool:
        """Whether the reply is a page."""
        return self.mime in ("text/html", "application/xhtml+xml")

    @property
    def is_json(self) -> bool:
        """Whether the reply is JSON, by its type."""
        return self.mime == "application/json" or self.mime.endswith("+json")


def _parts(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Return the fields of a multipart body (RFC 7578), without its files."""
    message = email.message_from_string(f"Content-Type: {kind}\n\n{text}")
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None and isinstance(held := part.get_payload(), str):
            yield name, held.rstrip("\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded visit: its entries in the order of time, and what wrote it."""

    source: str
    creator: str
    entries: tuple[Entry, ...]
