"""What a recording holds of its shopper and its keys: told by names and by what values look like, and never kept."""

import math
import re
from collections import Counter
from enum import Enum
from urllib.parse import unquote

from loadtests.har.words import words
from slo.web_addresses import SECRET_NAME

_CARD = re.compile(r"\d(?:[ -]?\d){12,18}")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_EMAIL = re.compile(r"[^@\s\"'<>]+@[^@\s\"'<>]+\.[^@\s\"'<>]+")
_MONTH_AND_YEAR = re.compile(r"(0?[1-9]|1[0-2]) ?[/-] ?\d{2}(\d{2})?")
# What is sent to a customer, or made by their device, to be typed once.
_ONCE = frozenset({"otp", "totp", "mfa", "passcode"})
_KEY_LENGTH, _KEY_BITS = 20, 3.0


class What(Enum):
    """What a field holds that is the shopper's own."""

    PASSWORD = "password"  # noqa: S105 - the word
    USER = "user"
    EMAIL = "email"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    FULL_NAME = "name"
    STREET = "street"
    CARD = "card number"
    CARD_SECRET = "card data"  # noqa: S105 - the word
    SECRET = "secret"  # noqa: S105 - the word
    NOTHING = ""


def what_is(name: str, value: str) -> What:
    """Return what a field holds, by its name and by its value."""
    found = words(name)
    joined = "".join(found)
    if _is_card_number(value):
        return What.CARD
    if any(one in joined for one in ("passw", "pwd", "passphrase")):
        return What.PASSWORD
    if _is_of_a_card(joined, set(found), value.strip()):
        return What.CARD_SECRET
    if _EMAIL.fullmatch(value):
        return What.EMAIL
    return _of_a_name(joined)


def _is_of_a_card(joined: str, found: set[str], value: str) -> bool:
    """Whether a field holds what goes with a card's number: its code, or until when it is good."""
    if joined.endswith(("cvc", "cvv", "cvn", "securitycode", "cardcode")) or "iban" in found:
        return True
    ends = found & {"expiry", "expiration", "exp"}
    return bool(ends) and (bool(found & {"card", "cc", "month", "year", "date"}) or _is_a_month(value))


def _is_a_month(value: str) -> bool:
    return _MONTH_AND_YEAR.fullmatch(value) is not None


def _of_a_name(joined: str) -> What:
    if joined.endswith(("firstname", "givenname", "forename")):
        return What.FIRST_NAME
    if joined.endswith(("lastname", "familyname", "surname")):
        return What.LAST_NAME
    if (
        joined.endswith(("fullname", "customername", "cardholder", "cardholdername", "recipientname", "nameoncard"))
        or joined == "holder"
    ):
        return What.FULL_NAME
    if joined.endswith(("street", "streetline1", "street1", "addressline1", "address1", "line1", "streetaddress")):
        return What.STREET
    if joined in ("username", "login", "userid", "loginname", "user"):
        return What.USER
    return What.NOTHING


def is_secret_name(name: str) -> bool:
    """Whether a name is that of a secret, as targets.yaml has it."""
    if _ONCE & set(words(name)):
        return True
    return SECRET_NAME.search(name) is not None and not name.lower().endswith(("key_id", "keyword", "keywords"))


def is_opaque(value: str) -> bool:
    """Whether a value is a key or a token by its looks: long, without spaces, of many different characters."""
    if _JWT.fullmatch(value):
        return True
    if len(value) < _KEY_LENGTH or not re.fullmatch(r"[\w.~+/=:-]+", value) or not any(map(str.isdigit, value)):
        return False
    if re.fullmatch(r"[a-z]+([-_][a-z0-9]+)*", value) and not re.search(r"[0-9a-f]{16}|\d{8}", value):
        return False  # words with hyphens
    return _bits(value) >= _KEY_BITS


def without_scheme(value: str) -> tuple[str, str]:
    """Return the scheme of an Authorization's value with its space, and what follows it."""
    scheme, space, rest = value.partition(" ")
    return (f"{scheme} ", rest) if space and scheme.isalpha() else ("", value)


def variants(value: str) -> frozenset[str]:
    """Return a value as cookies and addresses may hold it."""
    return frozenset({value, unquote(value), value.strip('"')})


def _is_card_number(value: str) -> bool:
    if not _CARD.fullmatch(value.strip()):
        return False
    digits = [int(one) for one in value if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) if place % 2 else one for place, one in enumerate(reversed(digits))]
    return digits[0] in (2, 3, 4, 5, 6) and sum(doubled) % 10 == 0  # ISO/IEC 7812-1: Luhn


def _bits(value: str) -> float:
    counts = Counter(value)
    return -math.fsum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
