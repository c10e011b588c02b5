"""Redaction: attributes with a secret's key, and tokens, passwords and card numbers inside any value."""

import re
from functools import lru_cache

REDACTED = "[redacted]"
_WORDS = r"token|passw(?:or)?d|passphrase|secret|authorization|credential|api[._-]?key|private[._-]?key"
_SECRET_KEY = re.compile(
    rf"{_WORDS}|cookie|session[._-]?id|(?<!dis)(?<!wild)card(?!inal)|cvv|iban"
    r"|e-?mail|phone|postcode|(?:client|customer|billing|shipping|delivery|street)[._-]?(?:address|ip)",
    re.IGNORECASE,
)
_SECRET_IN_VALUE = re.compile(
    rf"(?:{_WORDS}|card)[\w.-]{{0,16}}=(?P<pair>[^&\s;]+)"
    r"|(?:bearer|basic)\s+(?P<bearer>[\w.~+/=-]{8,})"
    r"|(?<!\w)(?P<card_token>tok_\w+)",
    re.IGNORECASE,
)
_CARD_NUMBER = re.compile(r"(?<![0-9A-Za-z])[3-6](?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_ODD_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether an attribute named `key` must not be kept, whatever its value."""
    return _SECRET_KEY.search(key) is not None


@lru_cache(maxsize=4096)
def scrubbed(text: str) -> str:
    """Return `text` without `token=…` pairs, bearer tokens, card tokens, and card numbers (by Luhn's check)."""
    text = _SECRET_IN_VALUE.sub(_hidden, text)
    return _CARD_NUMBER.sub(lambda match: REDACTED if _luhn(match[0]) else match[0], text)


def _hidden(match: re.Match[str]) -> str:
    group = match.lastgroup or 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + REDACTED + match[0][end:]


def _luhn(text: str) -> bool:
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    return (sum(digits[0::2]) + sum(_ODD_DOUBLED[d] for d in digits[1::2])) % 10 == 0
