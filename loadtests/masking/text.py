"""Text of a reply as it may be kept: no card number, address, long number or token of a person or of the run in it."""

import codecs
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from loadtests.masking.markup import without_marked_up
from loadtests.masking.named_values import without_named_values
from loadtests.masking.names import MASK
from loadtests.masking.nested_values import without_blocks, without_nested
from loadtests.masking.repeated_values import without_repeated_values
from loadtests.masking.shapes import without_credentials, without_shapes

_SHORTEST = 4
_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


def texts_of(masks: Iterable[bytes]) -> tuple[str, ...]:
    """Return known secrets, which are bytes of a reply, as texts."""
    return tuple(mask.decode(errors="replace") for mask in masks)


def masked_text(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` without what is secret in it, by what it looks like and by what is `known`, and printable.

    Masked are values that a name calls secret or a person's (in queries, forms, JSON, dumps, YAML, log lines, elements,
    statements), values that an error repeats (of a key, of a statement's parameters, of what couldn't be parsed), names
    and passwords in addresses, cookies, mail addresses, tokens, phone numbers, bank accounts, numbers that pass a
    card's check digit (Luhn), and other numbers of nine digits and more.
    """
    return _masked(_without_known(text, known))


def _without_known(text: str, known: Iterable[str]) -> str:
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    return text


def _masked(text: str) -> str:
    for without in _EACH:
        text = without(text)
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


_EACH = (  # each sees what those before it have left
    without_credentials,
    without_repeated_values,
    without_blocks,
    without_named_values,
    without_nested,
    without_marked_up,
    without_shapes,
)


def masked_start(text: str, most: int, known: Iterable[str] = ()) -> str:
    """Return the first `most` characters of a text, masked as in `masked_head`; a message may hold a whole page."""
    return _start(_without_known(text, known), most, is_cut=False)[:most]


def masked_head(body: bytes, most: int, known: Iterable[str] = ()) -> str:
    """Return the first `most` bytes of a body as masked text; what is masked is looked for a little beyond them.

    Of what stands beyond them nothing is shown, where masking has made the text shorter: it may be cut in two.
    """
    known = tuple(known)
    longest = max((len(quote(secret, safe="")) for secret in known), default=0)
    reach = most + _BEYOND + longest
    text, is_cut = _without_known(_text(body[:reach]), known), len(body) > reach
    if is_cut:  # its end may be the begin of a secret
        text = text[: max(0, len(text) - longest)]
    return _start(text, most, is_cut=is_cut).encode()[:most].decode("utf-8", errors="ignore")


def _start(text: str, most: int, *, is_cut: bool) -> str:
    shown = _masked(text[: most + _BEYOND])
    return shown[:-_BEYOND] if is_cut or len(text) > most + _BEYOND else shown


_BEYOND = 512
_WIDE = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MOSTLY = 0.4


def _text(head: bytes) -> str:
    """Return the text of a body's head: UTF-8, or UTF-16 by its mark or by the zeros of its Latin letters."""
    for mark, encoding in _WIDE:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, errors="replace")
    pairs = len(head) // 2
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if pairs > 1 and head[first::2].count(0) > _MOSTLY * pairs > head[1 - first :: 2].count(0):
            return head.decode(encoding, errors="replace")
    return head.decode("utf-8", errors="replace")


# Headers that are shown of a request and a reply; every other one's value may be a secret.
SHOWN = frozenset(
    {
        "accept", "accept-language", "age", "allow", "cache-control", "content-encoding", "content-length",
        "content-type", "date", "host", "idempotency-key", "location", "origin", "referer", "retry-after", "server",
        "user-agent", "vary", "via", "x-cache", "x-powered-by", "x-request-id", "x-requested-with",
    }
)  # fmt: skip


def masked_headers(headers: Mapping[str, str], known: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with the values of those that aren't known to hold no secret masked."""
    return {
        name: masked_text(value, known) if name.lower() in SHOWN else MASK for name, value in sorted(headers.items())
    }


def masked_fields(fields: Iterable[tuple[str, str]], known: Iterable[str] = ()) -> dict[str, str]:
    """Return a reply's header fields as `masked_headers` has them, the first forty, each cut at 200 characters."""
    first: dict[str, str] = {}
    for name, value in fields:
        if len(first) < _MOST_FIELDS or name in first:
            first[name[:_LONGEST_NAME]] = value
    return {name: value[:_LONGEST_VALUE] for name, value in masked_headers(first, known).items()}


_MOST_FIELDS, _LONGEST_NAME, _LONGEST_VALUE = 40, 80, 200
