"""Reads a JSON page of the shop's within a deadline and a size, and validates it.

No reply is trusted: `Unreadable` says in one line what was wrong, never with a token in it.
"""

import time
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol, TypeVar
from urllib.parse import urlsplit

import orjson
import requests
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.pinned_http import BoundedReply, bounded_get
from slo.documents import BadInput, validate

MAX_BYTES = 16 << 20
_MAX_MESSAGE = 300
_OK = 200
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Amount = Annotated[float, Field(ge=0)]


class Unreadable(Exception):  # noqa: N818 - it is what the source was, named as the reader would
    """A source that could not be read; the message is one line for the operator."""


class NotYet(Unreadable):
    """A source that isn't there yet, as is normal before a run begins: shown as down, without a warning."""


class Answer(BaseModel):
    """A part of a source's answer: frozen and strict about types; keys of a newer source are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment on a monotonic clock by which a read must have ended."""

    at: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def left_s(self) -> float:
        """Return the seconds that are left, never below zero."""
        return max(0.0, self.at - self.clock())


class Source(Protocol):
    """Where a subject's values are read from; `shown` names it in messages."""

    @property
    def shown(self) -> str:
        """What it is called."""

    def read(self, deadline: Deadline) -> object:
        """Return parsed JSON; raises Unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSource:
    """One JSON page of a shop's admin interface, read with a bearer token or with `headers`.

    A token that it repeats is masked, and so is what `masks` holds.
    Redirects are not followed and proxies of the environment not used: the token goes to `url` and nowhere else.
    """

    url: str
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    masks: tuple[bytes, ...] = field(default=(), repr=False)
    max_bytes: int = MAX_BYTES
    session: Callable[[], requests.Session] = field(default=DirectSession, repr=False)

    def __post_init__(self) -> None:
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise BadInput(f"{self.shown}: the token holds a character that a header can't carry")

    @property
    def shown(self) -> str:
        """The address without user, password or query, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def read(self, deadline: Deadline) -> object:
        """Return the parsed answer; raises Unreadable on anything but one whole JSON value in time."""
        try:
            reply = self._get(max(0.001, deadline.left_s()))
        except requests.Timeout as error:
            raise Unreadable(f"{self.shown}: no whole answer within the deadline") from error
        except (requests.RequestException, OSError) as error:
            raise Unreadable(f"{self.shown}: no whole answer: {type(error).__name__}") from error
        if reply.status != _OK:
            raise Unreadable(f"{self.shown}: answered {reply.status}, expected 200")
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise Unreadable(f"{self.shown}: answered with an encoding that was not asked for")
        if not reply.whole:
            raise Unreadable(f"{self.shown}: answer larger than the {self.max_bytes} bytes allowed")
        try:
            return orjson.loads(reply.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{self.shown}: not JSON: {str(error)[:_MAX_MESSAGE]}") from error

    def _get(self, timeout_s: float) -> BoundedReply:
        own = dict(self.headers) if self.headers else {"Authorization": f"Bearer {self.token}"}
        headers = {**own, "Accept": "application/json", "Accept-Encoding": "identity"}
        with self.session() as session:
            masks = (*self.masks, *Credentials(hidden=(Secret(self.token),)).masks())
            return bounded_get(session, self.url, timeout_s, self.max_bytes, headers, masks)


def parsed(data: object, model: type[Model], place: str) -> Model:
    """Turn parsed JSON into `model`, strict about types; raises Unreadable with the first errors."""
    try:
        return validate(data, model, place, strict=True)
    except BadInput as error:
        raise Unreadable(str(error)[:_MAX_MESSAGE]) from error


def capped(series: int, most: int, place: str) -> None:
    """Raise Unreadable when a source asks for more series than are allowed."""
    if series > most:
        raise Unreadable(f"{place}: {series} series, more than the {most} allowed")
