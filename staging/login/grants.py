"""What the provider has begun: authorization requests, codes and logins, in memory and for a while."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from staging.login.accounts import Account

REQUEST_LASTS_S = 600.0
CODE_LASTS_S = 60.0
LOGIN_LASTS_S = 43_200.0
MOST = 200_000

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AuthorizationRequest:
    """What a client asked for at `/authorize` (RFC 6749, 4.1.1; RFC 7636, 4.3)."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Grant:
    """What a code stands for: a request, and the account that it was granted for."""

    request: AuthorizationRequest
    account: Account


class Kept(Generic[ValueT]):
    """Values under random names that last `lasts_s` seconds, the oldest giving way when there are too many."""

    def __init__(self, lasts_s: float, most: int = MOST) -> None:
        self._lasts_s, self._most = lasts_s, most
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[float, ValueT]] = OrderedDict()

    def add(self, value: ValueT) -> str:
        """Keep a value; returns its name."""
        name, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            self._values[name] = (now + self._lasts_s, value)
            while len(self._values) > self._most or next(iter(self._values.values()))[0] < now:
                self._values.popitem(last=False)
        return name

    def find(self, name: str) -> ValueT | None:
        """Return the value of a name that still lasts."""
        with self._lock:
            until, value = self._values.get(name, (0.0, None))
        return value if until > time.monotonic() else None

    def take(self, name: str) -> ValueT | None:
        """Return the value of a name that still lasts, once."""
        with self._lock:
            until, value = self._values.pop(name, (0.0, None))
        return value if until > time.monotonic() else None


class Grants:
    """The requests, codes and logins of this process."""

    def __init__(self) -> None:
        self.requests = Kept[AuthorizationRequest](REQUEST_LASTS_S)
        self.codes = Kept[Grant](CODE_LASTS_S)
        self.logins = Kept[Account](LOGIN_LASTS_S)
