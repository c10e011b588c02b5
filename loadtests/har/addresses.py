"""What of an address only its owner may know: a token in its path, its query or its fragment, by the same rules."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from loadtests.har.personal import is_opaque, is_secret_name
from loadtests.har.words import is_id, words

LEAST_SECRET = 6
_LONG = 32
_NEAR = 2
# What stands before a token in a path: /reset-password/…, /account/activate/…, /invitations/…
_WAYS = frozenset(
    {
        "activate", "activation", "auth", "confirm", "confirmation", "credential", "credentials", "invitation",
        "invitations", "invite", "key", "keys", "magic", "oauth", "otp", "recover", "recovery", "reset", "secret",
        "session", "sessions", "signature", "sso", "unlock", "unsubscribe", "validate", "validation", "verification",
        "verify",
    }
)  # fmt: skip
# Words as one writes them in an address; a token of letters alone mixes their cases.
_PLAIN = re.compile(r"([A-Z]?[a-z]{1,24}|[A-Z]{1,12})([ ._-]([A-Z]?[a-z]{1,24}|[A-Z]{1,12}|\d{1,3}))*")
_MOST_DEEP = 8


def is_plain(value: str) -> bool:
    """Whether a value is words, as `payment_token: on-account` has them."""
    return _PLAIN.fullmatch(value) is not None


def is_token(value: str) -> bool:
    """Whether a value that stands where a secret does is one: not short, and no words."""
    return len(value) >= LEAST_SECRET and not is_plain(value)


def secrets_in_path(path: str) -> Iterator[tuple[int, str]]:
    """Yield the secret parts of a path: each with its place among the parts, as it is written."""
    before: deque[str] = deque(maxlen=_NEAR)
    for number, part in enumerate(path.split("/")):
        if part and _is_secret_part(unquote(part), before):
            yield number, part
        if part:
            before.append(part)


def _parameters(part: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values that a part of a path holds: `cart;session=…` (RFC 3986, 3.3)."""
    for one in part.split(";"):
        name, equals, value = one.partition("=")
        if name and equals:
            yield name, value


def _is_secret_part(part: str, before: Iterable[str]) -> bool:
    if any(is_secret_name(name) and is_token(value) for name, value in _parameters(part)):
        return True
    return is_opaque(part) or (any(map(_is_way, before)) and is_token(part))


def _is_way(part: str) -> bool:
    found = words(part)
    return not _WAYS.isdisjoint(found) or any("passw" in word or "token" in word for word in found)


def secrets_of(address: str, deep: int = 0) -> Iterator[str]:
    """Yield what of an address is secret, wherever it stands in it, as it is written and as it is meant.

    It may hold other addresses, `deep` says how many hold it; what is in more than eight is taken for a secret.
    """
    if deep > _MOST_DEEP:
        yield from [address] if is_token(address) else []
        return
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    for _, part in secrets_in_path(parts.path):
        yield from dict.fromkeys((part, unquote(part), *(value for _, value in _parameters(unquote(part)))))
    yield from _in_pairs(parts.query, deep)
    if parts.fragment:
        yield from secrets_of(parts.fragment, deep + 1)
        yield from _in_pairs(parts.fragment, deep)


def _in_pairs(query: str, deep: int) -> Iterator[str]:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if not value and is_token(name):
            yield name
        if (is_secret_name(name) and len(value) >= LEAST_SECRET and not is_plain(value)) or is_opaque(value):
            yield value
        if "?" in value or "/" in value:
            yield from secrets_of(value, deep + 1)


def holds_a_secret(address: str) -> bool:
    """Whether an address holds what only its owner may know, or what is another each time."""
    return next(secrets_of(address), None) is not None


def shown_path(path: str) -> str:
    """Return a path as it is shown: what names one thing, or is a key, is left out."""
    secret = {number for number, _ in secrets_in_path(path)}
    return "/".join(
        "…" if number in secret or is_id(part) or len(part) > _LONG or "@" in part or "%40" in part else part
        for number, part in enumerate(path.split("/"))
    )[:80]
