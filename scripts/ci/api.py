"""A host's API: JSON over HTTP to the base address that the host itself names, with one token, bounded in all."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from loadtests.environment.credentials import Secret

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
        self._http = requests.Session()
        self._http.trust_env = False  # no variable leads a token elsewhere
        self._http.verify = variables.get("SSL_CERT_FILE") or True
        shown = {name: one.reveal() if isinstance(one, Secret) else one for name, one in headers.items()}
        self._http.headers.update({"User-Agent": "peakproof", **shown})

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str | int) -> Any:  # noqa: ANN401 - what the host answers
        """Return the answer's JSON; raises ApiRefusedError."""
        place = f"{method} {path}"
        try:
            with self._http.request(
                method,
                f"{self._base}{path}",
                json=body,
                params=query,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as answer:
                raw = answer.raw.read(_MAX_BYTES + 1, decode_content=True)
                status = answer.status_code
        except (requests.RequestException, OSError) as error:
            raise ApiRefusedError(f"{place}: {type(error).__name__}") from error
        if not 200 <= status < 300:  # noqa: PLR2004 - the class of success
            raise ApiRefusedError(f"{place}: status {status}")
        if len(raw) > _MAX_BYTES:
            raise ApiRefusedError(f"{place}: an answer of over {_MAX_BYTES} bytes")
        try:
            return json.loads(raw)
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
