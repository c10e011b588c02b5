"""A host's API: JSON over HTTP to the base address that the host itself names, with one token, bounded in all."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from loadtests.environment.credentials import Secret
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.pinned_http import bounded_request

_TIMEOUT_S = 30.0
_MAX_BYTES = 16 << 20
_MAX_PAGES = 30
PER_PAGE = 100


class ApiRefusedError(Exception):
    """The host refused, or couldn't be asked; the message says which and why. A verdict stands whatever a host says."""


class Api:
    """Calls below one base address; a redirect is refused, as it would take the token elsewhere."""

    def __init__(self, base: str, headers: Mapping[str, str | Secret], variables: Mapping[str, str]) -> None:
        self._base = base.rstrip("/")
        self._http = DirectSession()  # no variable leads a token elsewhere
        self._http.verify = variables.get("SSL_CERT_FILE") or True
        shown = {name: one.reveal() if isinstance(one, Secret) else one for name, one in headers.items()}
        self._http.headers.update({"User-Agent": "peakproof", **shown})

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str | int) -> Any:  # noqa: ANN401 - what the host answers
        """Return the answer's JSON; raises ApiRefusedError."""
        place = f"{method} {path}"
        try:
            url = requests.Request(method, f"{self._base}{path}", params=query).prepare().url or ""
            answer = bounded_request(self._http, method, url, _TIMEOUT_S, json=body, max_bytes=_MAX_BYTES)
        except (requests.RequestException, OSError) as error:
            raise ApiRefusedError(f"{place}: {type(error).__name__}") from error
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of success
            raise ApiRefusedError(f"{place}: status {answer.status}")
        if not answer.whole:
            raise ApiRefusedError(f"{place}: an answer of over {_MAX_BYTES} bytes")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise ApiRefusedError(f"{place}: not JSON") from error

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Return every entry of a list, page by page, at most 3,000; raises ApiRefusedError."""
        for page in range(1, _MAX_PAGES + 1):
            found = self.call("GET", path, per_page=PER_PAGE, page=page)
            if not isinstance(found, list):
                raise ApiRefusedError(f"GET {path}: expected a list")
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < PER_PAGE:
                return
