"""Passwords against their bcrypt hashes, as slow as that is meant to be once, and quick for whoever comes again."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal

import bcrypt

_MOST_KEPT = 100  # answers; as many as exporter-toolkit keeps
_MOST_AT_ONCE = 3  # checks, one under way and the others waiting: so guessing can't hold every thread of the pool
_COST_OF_NOBODY = 10
Answer = Literal["yes", "no", "busy"]


class Passwords:
    """Says whether a password is a user's; keeps its answers under a key that dies with the process.

    A user who doesn't exist takes as long as one who does, so that names can't be found out by the time it takes.
    """

    def __init__(
        self, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw, most_at_once: int = _MOST_AT_ONCE
    ) -> None:
        self._check = check
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, bool] = OrderedDict()
        self._lock, self._checking = threading.Lock(), threading.Lock()
        self._free = threading.Semaphore(most_at_once)
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(_COST_OF_NOBODY)).decode()

    def answer(self, users: Mapping[str, str], user: str, password: bytes) -> Answer:
        """Return whether `password` is the one of `user`, or `busy` when others are checked already."""
        hashed = users.get(user, self._nobody)
        kept_as = self._digest(user.encode(errors="replace"), hashed.encode(), password)
        with self._lock:
            known = self._kept.get(kept_as)
        if known is None:
            if not self._free.acquire(blocking=False):
                return "busy"
            try:
                with self._checking:
                    known = self._is(password, hashed) and user in users
            finally:
                self._free.release()
            self._keep(kept_as, answer=known)
        return "yes" if known else "no"

    def _digest(self, *parts: bytes) -> bytes:
        told = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, told, hashlib.sha256)

    def _keep(self, kept_as: bytes, *, answer: bool) -> None:
        with self._lock:
            self._kept[kept_as] = answer
            # Wrong guesses must not push out the answer of whoever scrapes.
            gone = sorted(self._kept, key=self._kept.__getitem__)
            for one in gone[: max(0, len(self._kept) - _MOST_KEPT)]:
                del self._kept[one]

    def _is(self, password: bytes, hashed: str) -> bool:
        try:
            return self._check(password, hashed.encode())
        except ValueError:  # longer than bcrypt's 72 bytes: no hash is made of it either
            return False
