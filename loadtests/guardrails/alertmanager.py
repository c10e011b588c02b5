"""Alertmanager's silences over its API: list, make, end.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml; the paths are those of 0.16 and later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from urllib.parse import quote

import requests
from pydantic import Field, TypeAdapter, ValidationError

from loadtests.environment.credentials import Secret, masks_of
from loadtests.environment.pinned_http import BoundedReply, bounded_request, why_no_answer
from slo.documents import WrittenDocument
from slo.outcomes import EnvironmentLacks

TIMEOUT_S = 3.0
_MAX_BYTES = 16 << 20
_OK = 200
Read = TypeVar("Read")


class Matcher(WrittenDocument):
    """Which label of an alert a silence looks at, and what it must hold."""

    name: str
    value: str
    is_regex: Annotated[bool, Field(alias="isRegex")]
    is_equal: Annotated[bool, Field(alias="isEqual")] = True

    @classmethod
    def exactly(cls, name: str, value: str) -> "Matcher":
        """Return the matcher of a label that holds `value` and nothing else."""
        return cls.model_validate({"name": name, "value": value, "isRegex": False, "isEqual": True})


class _Status(WrittenDocument):
    state: str


class Silence(WrittenDocument):
    """A silence as Alertmanager lists it."""

    id: str
    matchers: tuple[Matcher, ...]
    created_by: Annotated[str, Field(alias="createdBy")]
    comment: str
    status: _Status

    @property
    def is_over(self) -> bool:
        """Whether it silences nothing any more."""
        return self.status.state == "expired"


class _Made(WrittenDocument):
    id: Annotated[str, Field(alias="silenceID", min_length=1)]


_SILENCES = TypeAdapter(tuple[Silence, ...])
_MADE = TypeAdapter(_Made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """One Alertmanager at `url`; every method raises EnvironmentLacks when it doesn't answer as its API says."""

    url: str
    http: requests.Session = field(repr=False)
    token: Secret | None = field(default=None, repr=False)

    def silences(self) -> tuple[Silence, ...]:
        """Return every silence that it keeps, those that are over too."""
        reply = self._asked("GET", "/silences")
        if not reply.whole:
            raise EnvironmentLacks(
                f"the Alertmanager at {self.url} keeps more silences than {_MAX_BYTES >> 20} MiB hold"
            )
        return self._read(_SILENCES, reply)

    def silence(
        self, matchers: tuple[Matcher, ...], starts_at: int, ends_at: int, *, created_by: str, comment: str
    ) -> str:
        """Make a silence from `starts_at` to `ends_at` (ns); return its id. It has at least one matcher."""
        if not matchers:
            raise ValueError("a silence without a matcher would silence everything")
        document = {
            "matchers": [matcher.model_dump(by_alias=True) for matcher in matchers],
            "startsAt": rfc3339(starts_at),
            "endsAt": rfc3339(ends_at),
            "createdBy": created_by,
            "comment": comment,
        }
        return self._read(_MADE, self._asked("POST", "/silences", document)).id

    def end(self, silence: str) -> None:
        """End a silence; one that isn't kept any more is over."""
        try:
            self._asked("DELETE", f"/silence/{quote(silence, safe='')}")
        except EnvironmentLacks:  # 0.25 answers HTTP 500 to one that it doesn't keep
            if any(one.id == silence and not one.is_over for one in self.silences()):
                raise

    def _asked(self, method: str, path: str, json: object = None) -> BoundedReply:
        secrets = () if self.token is None else (self.token.reveal(),)
        headers: Mapping[str, str] = {"Authorization": f"Bearer {secrets[0]}"} if secrets else {}
        try:
            reply = bounded_request(
                self.http, method, f"{self.url}/api/v2{path}", TIMEOUT_S,
                json=json, max_bytes=_MAX_BYTES, headers=headers, masks=masks_of(secrets),
            )  # fmt: skip
        except requests.RequestException as error:
            raise EnvironmentLacks(
                f"the Alertmanager at {self.url} doesn't answer: {why_no_answer(error)}; start it, correct"
                " alertmanager_url, or leave it out"
            ) from error
        if reply.status != _OK:
            raise EnvironmentLacks(f"the Alertmanager at {self.url} answers HTTP {reply.status} to {method} {path}")
        return reply

    def _read(self, model: TypeAdapter[Read], reply: BoundedReply) -> Read:
        try:
            return model.validate_json(reply.body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the reply"
            raise EnvironmentLacks(
                f"{self.url} doesn't answer as an Alertmanager does: {place}: {first['msg']}"
            ) from None


def rfc3339(ns: int) -> str:
    """Return a time in ns as Alertmanager reads it (RFC 3339), in UTC."""
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
