"""Canaries: a mark of its own that each shopper leaves in its data, and the search for another's in what it is shown.

A canary is 23 letters: it passes as a name, in an address, in a query or in HTML, and no shop needs to escape it. All
of a run hold the same letters, so that one search of a reply finds any of them.
"""

import hashlib
import re
from string import ascii_lowercase
from typing import NamedTuple

_WORD = "canary"
# Letters that are rare in pages: CPython's search for bytes skips as far as the word is long past any other.
_RARE, _RARE_LETTERS = "jkqvwx", 9
_DIGITS = 6
_SESSION, _ACCOUNT = "s", "a"
_AROUND = 40


class OthersDataError(ValueError):
    """An event that shows another shopper's data."""


class Shown(NamedTuple):
    """A canary that a reply shows: it, whose it is in words, and where in the reply's bytes."""

    canary: str
    whose: str
    at: int

    def in_words(self, body: bytes) -> str:
        """Return what is wrong with the reply, with the text about the canary."""
        around = body[max(0, self.at - _AROUND) : self.at + len(self.canary) + _AROUND]
        text = " ".join(around.decode("utf-8", errors="replace").split())
        return f"another shopper's data: the canary of {self.whose} at byte {self.at}: …{text}…"


class Canaries:
    """The canaries of the run named `run`, the same in each of its processes.

    `prefix` stands in every one of them, behind a word for people: a shop that begins names with a capital changes that
    alone. `given` counts the sessions that left one, `shown` the replies that had another's.
    """

    __slots__ = ("_begins", "_found", "given", "prefix", "shown")

    def __init__(self, run: str) -> None:
        tag = _letters(int.from_bytes(hashlib.sha256(run.encode()).digest()[:8], "big"), _RARE_LETTERS, _RARE)
        self._begins, self.prefix = _WORD + tag, tag.encode()
        self._found = re.compile(re.escape(self.prefix) + rb"([sa])([a-z]{6})([a-z])")
        self.given = self.shown = 0

    def of_session(self, number: int) -> str:
        """Return the canary of a session: of a guest, or of a customer who is new."""
        return self._made(_SESSION, number)

    def of_account(self, row: int) -> str:
        """Return the canary of the account in a row of the environment's file, whichever session has it."""
        return self._made(_ACCOUNT, row)

    def other_in(self, body: bytes, own: str) -> Shown | None:
        """Return the first canary of the run in a body that isn't `own`, None without one."""
        mine = own.removeprefix(_WORD).encode()
        for found in self._found.finditer(body):
            kind, digits, check = (part.decode() for part in found.groups())
            if found[0] != mine and check == _check(kind + digits):
                number = _number(digits)
                whose = f"session {number}" if kind == _SESSION else f"the account in row {number + 1}"
                return Shown(found[0].decode(), whose, found.start())
        return None

    def _made(self, kind: str, number: int) -> str:
        said = kind + _letters(number, _DIGITS, ascii_lowercase)
        return self._begins + said + _check(said)


def _letters(number: int, length: int, alphabet: str) -> str:
    """Return the last `length` digits of a number, written in the letters of `alphabet`."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * len(ascii_lowercase) + ascii_lowercase.index(letter)
    return number


def _check(said: str) -> str:
    """Return the letter by which a canary is told from one that was cut, and from letters that merely look like one."""
    return ascii_lowercase[sum(place * ord(letter) for place, letter in enumerate(said, 1)) % len(ascii_lowercase)]
