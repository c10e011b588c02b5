"""Keys that two processes of the stand-in share: derived from the admin token, one for each purpose."""

import hashlib
import hmac
from dataclasses import dataclass

CLIENT_ID = "shop"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keys:
    """The client's secret at the login provider, and the keys of webhooks and of forms."""

    client_secret: str
    webhook: str
    form: str


def keys_of(token: str) -> Keys:
    """Return the keys of an admin token; none of them gives the token, or another of them, away."""
    return Keys(
        client_secret=_derived(token, "login client"),
        webhook=_derived(token, "payment webhook"),
        form=_derived(token, "form"),
    )


def signature(key: str, message: str) -> str:
    """Return the HMAC-SHA-256 of a message, 64 hex digits."""
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_signature(key: str, message: str, sent: str) -> bool:
    """Whether `sent` is the message's signature, compared in constant time."""
    return hmac.compare_digest(signature(key, message).encode(), sent.encode())


def _derived(token: str, purpose: str) -> str:
    return signature(token, f"peakproof stand-in: {purpose}")
