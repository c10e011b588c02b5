"""Masking of what a page may say of a person: no card number, address, long number or token is kept of a reply."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "***"
_SHORTEST = 4
_TELLING_NAME = (
    r"[\w.\[\]-]{0,40}(?:auth|code|cookie|credential|csrf|e?mail|key|nonce|passw|phone|secret|session|signature|sid"
    r"|state|ticket|token|user|verifier)[\w.\[\]-]{0,40}"
)
_PARAMETER = re.compile(rf"(?i)([?&;]|^)({_TELLING_NAME})=[^&;#\s\"'<>]*")
# In JSON a code or a state says what is wrong more often than it is a secret.
_TELLING_MEMBER = (
    r"[\w.-]{0,40}(?:auth|api_?key|cookie|credential|csrf|e-?mail|nonce|passw|phone|secret|session_?id|signature|token"
    r"|verifier)[\w.-]{0,40}"
)
_MEMBER = re.compile(rf"(?i)(\"{_TELLING_MEMBER}\"\s*:\s*)(\"(?:[^\"\\]|\\.)*\"?|-?\d[\d.]*)")
_ATTRIBUTE = re.compile(rf"(?i)(name=[\"']{_TELLING_NAME}[\"'][^<>]{{0,300}}?\bvalue=)([\"'])[^\"'<>]*")
_EMAIL = re.compile(r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)[ +][\w.~+/=-]{6,}")
_JWT = re.compile(r"\beyJ[\w-]{6,}\.[\w-]*(?:\.[\w-]*)?")
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_DIGITS = re.compile(r"(?<![\w.])\d{9,}(?![\w.])")
_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


def texts_of(masks: Iterable[bytes]) -> tuple[str, ...]:
    """Return known secrets, which are bytes of a reply, as texts."""
    return tuple(mask.decode(errors="replace") for mask in masks)


def masked_text(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` without what is secret in it, by what it looks like and by what is `known`, and printable.

    Masked are values that a name calls secret (in a query, in JSON, in a form's field), mail addresses, bearer tokens,
    numbers that pass a card's check digit (Luhn), and other numbers of nine digits and more.
    """
    for secret in sorted(filter(None, known), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    text = _PARAMETER.sub(rf"\1\2={MASK}", text)
    text = _MEMBER.sub(rf'\1"{MASK}"', text)
    text = _ATTRIBUTE.sub(rf"\1\2{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _EMAIL.sub(MASK, text)
    text = _CARD.sub(lambda found: MASK if _is_card(found[0]) else found[0], text)
    text = _DIGITS.sub(MASK, text)
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def masked_head(body: bytes, most: int, known: Iterable[str] = ()) -> str:
    """Return the first `most` bytes of a body as masked text; what is masked is looked for a little beyond them."""
    text = masked_text(body[: most + _BEYOND].decode("utf-8", errors="replace"), known)
    return text.encode()[:most].decode("utf-8", errors="ignore")


_BEYOND = 256
# Headers that are shown of a request and a reply; every other one's value may be a secret.
SHOWN = frozenset(
    {
        "accept", "accept-language", "age", "allow", "cache-control", "content-encoding", "content-length",
        "content-type", "date", "host", "idempotency-key", "location", "origin", "referer", "retry-after", "server",
        "user-agent", "vary", "via", "x-cache", "x-powered-by", "x-requested-with",
    }
)  # fmt: skip


def masked_headers(headers: Mapping[str, str], known: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with the values of those that aren't known to hold no secret masked."""
    return {
        name: masked_text(value, known) if name.lower() in SHOWN else MASK for name, value in sorted(headers.items())
    }


def _is_card(text: str) -> bool:
    """Whether the digits of a text pass the check of ISO/IEC 7812, as card numbers do."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [2 * one - 9 * (one > 4) for one in digits[-2::-2]]  # noqa: PLR2004 - the sum of a doubled digit's digits
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
