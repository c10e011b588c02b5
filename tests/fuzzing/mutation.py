"""Inputs made of a parser's seeds: bytes changed, parts moved, words of its grammar put in, seeds spliced."""

import re
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzzing.json_mutation import json_changed

# What parsers of any format may trip over: signs, ends, nesting, numbers at their bounds, and what no text holds.
COMMON = (
    *(
        b"\x00",
        b"\x1b[31m",
        b"\x7f",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"\r",
        b"\n",
    ),
    *(
        b"\r\n",
        b"\t",
        b" ",
        b'"',
        b"'",
        b"\\",
        b"/",
        b"..",
        b"%00",
        b"%",
        b"{}",
        b"[]",
        b"[",
        b"{",
        b"}",
        b"]",
        b"(",
        b")",
    ),
    *(b"<", b">", b"&", b";", b":", b",", b"=", b"#", b"-", b"-1", b"0", b"1", b"1e308", b"1e400", b"1e-400", b"NaN"),
    *(
        b"Infinity",
        b"null",
        b"true",
        b"9" * 30,
        b"9223372036854775807",
        b"9223372036854775808",
        b"-9223372036854775809",
    ),
    *(b"4294967296", b"2147483648", b"65536", b"0x10", b"1_000", "٣".encode(), "²".encode(), b"9" * 5000, b"[" * 2000),
    *(b"'\\ud800'", b"\\ud800", b"\\u0000", b"a" * 1000),
)
_NUMBER = re.compile(rb"[0-9]{1,20}")
_CHANGES_EACH = (1, 1, 1, 1, 2, 2, 3, 4, 6)  # what is changed much is refused at once


def mutated(random: Random, seeds: Sequence[bytes], tokens: Sequence[bytes], most_bytes: int) -> bytes:
    """Return one input: a seed with up to so many changes, each of a kind that is drawn."""
    data = bytearray(seeds[random.randrange(len(seeds))])
    if random.randrange(2) and (document := _changed_document(random, bytes(data), most_bytes)) is not None:
        return document
    for _ in range(_CHANGES_EACH[random.randrange(len(_CHANGES_EACH))]):
        _CHANGES[random.randrange(len(_CHANGES))](random, data, seeds, tokens)
        del data[most_bytes:]
    return bytes(data)


def _changed_document(random: Random, data: bytes, most_bytes: int) -> bytes | None:
    """Return JSON with one to three of its nodes changed; None of what is no JSON, or became too long."""
    changed: bytes | None = data
    for _ in range(1 + random.randrange(3)):
        changed = None if changed is None else json_changed(random, changed)
    return changed if changed is not None and len(changed) <= most_bytes else None


Change = Callable[[Random, bytearray, Sequence[bytes], Sequence[bytes]], None]


def _span(random: Random, data: bytearray, longest: int = 64) -> tuple[int, int]:
    at = random.randrange(len(data) + 1)
    return at, min(len(data), at + 1 + random.randrange(longest))


def _flip(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_byte(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _drop(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    at, end = _span(random, data)
    del data[at:end]


def _cut(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    del data[random.randrange(len(data) + 1) :]


def _double(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    at, end = _span(random, data)
    data[end:end] = data[at:end] * (1 + random.randrange(4))


def _repeat(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    at, end = _span(random, data, 16)
    data[end:end] = data[at:end] * random.randrange(600)


def _move(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    at, end = _span(random, data)
    part = data[at:end]
    del data[at:end]
    to = random.randrange(len(data) + 1)
    data[to:to] = part


def _insert(random: Random, data: bytearray, _seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    words = tokens if tokens and random.randrange(2) else COMMON
    at = random.randrange(len(data) + 1)
    data[at:at] = words[random.randrange(len(words))]


def _replace(random: Random, data: bytearray, _seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    words = tokens if tokens and random.randrange(2) else COMMON
    at, end = _span(random, data, 12)
    data[at:end] = words[random.randrange(len(words))]


def _replace_word(random: Random, data: bytearray, _seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """Put another value in the place of a whole word: what lies between two signs stays a value."""
    at = random.randrange(len(data) + 1)
    start = end = at
    while start > 0 and data[start - 1 : start].isalnum():
        start -= 1
    while end < len(data) and data[end : end + 1].isalnum():
        end += 1
    words = tokens if tokens and random.randrange(2) else COMMON
    data[start:end] = words[random.randrange(len(words))]


def _change_number(random: Random, data: bytearray, _seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    """Put another number in the place of one: what is read as a number stays one."""
    numbers = list(_NUMBER.finditer(data))
    if numbers:
        found = numbers[random.randrange(len(numbers))]
        number, most = int(found.group()), 10 ** len(found.group())
        others = (number + 1, max(0, number - 1), number * 10, 0, random.randrange(most), random.randrange(most))
        data[found.start() : found.end()] = b"%0*d" % (len(found.group()), others[random.randrange(len(others))])


def _splice(random: Random, data: bytearray, seeds: Sequence[bytes], _tokens: Sequence[bytes]) -> None:
    other = bytearray(seeds[random.randrange(len(seeds))])
    at, end = _span(random, other, 256)
    to = random.randrange(len(data) + 1)
    data[to:to] = other[at:end]


_CHANGES: tuple[Change, ...] = (
    *(_flip, _set_byte, _drop, _cut, _double, _repeat, _move),
    *(_change_number, _change_number),
    *(_insert, _insert, _replace, _replace, _replace_word, _replace_word, _splice),
)


def shrunk(data: bytes, is_wrong: Callable[[bytes], bool], most_tries: int = 2000) -> bytes:
    """Return a shorter input that is still wrong: parts are left out, halved in size each time nothing can go."""
    tries, size = 0, max(1, len(data) // 2)
    while size >= 1 and tries < most_tries:
        at, went = 0, False
        while at < len(data) and tries < most_tries:
            shorter = data[:at] + data[at + size :]
            tries += 1
            if is_wrong(shorter):
                data, went = shorter, True
            else:
                at += size
        size = size if went and size > 1 else size // 2
    return data
