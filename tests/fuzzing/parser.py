"""A parser under fuzzing: its function, what it may raise, and the inputs that others are made of."""

import hashlib
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

CORPUS = Path(__file__).with_name("corpus")
ALARM_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """One parser: `parse` gets the bytes, and raises nothing but `refuses`.

    `seeds` are inputs of its format, the first of which it takes; `tokens` are words of its grammar that mutations put
    in; no input is longer than `most_bytes`. Where `is_shown`, what a refusal says goes to a terminal: it may hold no
    control character.
    """

    name: str
    parse: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = ()
    most_bytes: int = 4096
    is_shown: bool = False

    @property
    def folder(self) -> Path:
        """Where the inputs are kept that it failed on once."""
        return CORPUS / self.name

    def corpus(self) -> tuple[bytes, ...]:
        """Return the inputs that it failed on once."""
        return tuple(path.read_bytes() for path in sorted(self.folder.glob("*.bin")))

    def keep(self, data: bytes) -> Path:
        """Write an input into the corpus; return its path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
        path.write_bytes(data)
        return path


def kind_of(why: str) -> str:
    """Return what failures of one kind have in common: the beginning of what is wrong, without its numbers."""
    return re.sub(r"0x[0-9a-f]+|[0-9]+", "N", why)[:60]


class TooSlow(BaseException):
    """An input that is still being parsed when the alarm rings."""


def why_wrong(parser: Parser, data: bytes) -> str | None:
    """Return what a parser does with an input that it must not do, None where it takes or refuses it properly."""
    try:
        with alarm(ALARM_S):
            parser.parse(data)
    except parser.refuses as refusal:
        shown = str(refusal)
        if parser.is_shown and not all(letter.isprintable() or letter == "\n" for letter in shown):
            return f"a message that no terminal can take: {shown!r}"[:500]
        return None
    except TooSlow:
        return f"not parsed within {ALARM_S:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
        return f"{type(error).__name__}: {error}"[:500]
    return None


@contextmanager
def alarm(after_s: float) -> Iterator[None]:
    """Raise TooSlow in the block when it takes longer; in C code that holds the interpreter, when that returns."""
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow
