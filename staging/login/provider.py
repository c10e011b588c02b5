"""The parts of the login provider, and the one client it knows."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from staging.login.accounts import Accounts
from staging.login.grants import Grants

CALLBACK_PATH = "/login/callback"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The shop: its secret and its origins; without one, any on loopback (RFC 8252, 7.3)."""

    client_id: str
    secret: str
    origins: frozenset[str]

    def may_redirect_to(self, uri: str) -> bool:
        """Whether a code may be sent to `uri`."""
        return self._is_own(uri) and urlsplit(uri).path == CALLBACK_PATH

    def may_return_to(self, uri: str) -> bool:
        """Whether a browser may be sent to `uri` after it logged out."""
        return self._is_own(uri)

    def _is_own(self, uri: str) -> bool:
        try:
            parts = urlsplit(uri)
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"} or parts.query or parts.fragment or not uri.isprintable():
            return False
        if self.origins:
            return f"{parts.scheme}://{parts.netloc}" in self.origins
        return parts.hostname in _LOOPBACK and "@" not in parts.netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProvider:
    """The parts of one process; `issuer` is its URL as browsers and the shop know it."""

    issuer: str
    client: Client
    accounts: Accounts
    grants: Grants
