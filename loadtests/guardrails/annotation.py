"""The mark of a run in Grafana: one region, from the begin of the load to its end, on every dashboard that asks for it.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/: times in ms, a PATCH changes what it names.
"""

from dataclasses import dataclass, field
from typing import Annotated

import requests
from pydantic import Field, TypeAdapter, ValidationError

from loadtests.environment.credentials import Secret, masks_of
from loadtests.environment.pinned_http import BoundedReply, bounded_request, why_no_answer
from slo.documents import WrittenDocument

TIMEOUT_S = 2.0
_OK = 200
_NS_PER_MS = 1_000_000


class AnnotationError(Exception):
    """Grafana wasn't marked; the message is one line. It never ends a run."""


class _Made(WrittenDocument):
    id: Annotated[int, Field(ge=1)]


_MADE = TypeAdapter(_Made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grafana:
    """One Grafana at `url`; every method raises AnnotationError when it doesn't answer as its API says."""

    url: str
    http: requests.Session = field(repr=False)
    token: Secret | None = field(default=None, repr=False)

    def mark(self, starts_at: int, ends_at: int, *, tags: tuple[str, ...], text: str) -> int:
        """Mark a region (ns); return the annotation's id."""
        document = {"time": starts_at // _NS_PER_MS, "timeEnd": ends_at // _NS_PER_MS, "tags": list(tags), "text": text}
        reply = self._asked("POST", "/api/annotations", document)
        try:
            return _MADE.validate_json(reply.body).id
        except ValidationError:
            raise AnnotationError(f"Grafana at {self.url} doesn't answer with the annotation's id") from None

    def move(self, annotation: int, starts_at: int, ends_at: int) -> None:
        """Give a mark the region that it turned out to have (ns)."""
        document = {"time": starts_at // _NS_PER_MS, "timeEnd": ends_at // _NS_PER_MS}
        self._asked("PATCH", f"/api/annotations/{annotation}", document)

    def _asked(self, method: str, path: str, document: object) -> BoundedReply:
        secrets = () if self.token is None else (self.token.reveal(),)
        headers = {"Authorization": f"Bearer {secrets[0]}"} if secrets else {}
        try:
            reply = bounded_request(
                self.http, method, f"{self.url}{path}", TIMEOUT_S,
                json=document, headers=headers, masks=masks_of(secrets),
            )  # fmt: skip
        except requests.RequestException as error:
            raise AnnotationError(f"Grafana at {self.url} doesn't answer: {why_no_answer(error)}") from error
        if reply.status != _OK:
            raise AnnotationError(f"Grafana at {self.url} answers HTTP {reply.status} to {method} {path}")
        return reply
