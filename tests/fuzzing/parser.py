"""A parser under fuzzing: its function, what it may raise, and the inputs that others are made of."""

import hashlib
import os
import re
import signal
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_ROOT = str(Path(__file__).parents[2])
CORPUS = Path(__file__).with_name("corpus")
ALARM_S = 10.0
HANG, MESSAGE = "not parsed within", "a message that no terminal can take"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """One parser: `parse` gets the bytes, and raises nothing but `refuses`.

    It takes each of `seeds`, and may refuse `other_seeds`, whose neighbours are worth trying as well; `tokens` are
    words of its grammar that mutations put in; no input is longer than `most_bytes`. Where `is_shown`, what a
    refusal says goes to a terminal: it may hold no control character.
    """

    name: str
    parse: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    other_seeds: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()
    most_bytes: int = 4096
    is_shown: bool = False

    @property
    def all_seeds(self) -> tuple[bytes, ...]:
        """What mutations begin with: as often with one that it takes as with another."""
        return self.seeds * max(1, len(self.other_seeds) // len(self.seeds)) + self.other_seeds

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a parser did with an input: whether it took it, and what of that it must not do."""

    taken: bool = False
    wrong: str | None = None


def kind_of(wrong: str) -> str:
    """Return what failures of one kind have in common: the error and its place, or what is wrong but for numbers."""
    return re.sub(r"0x[0-9a-f]+|[0-9]+", "N", wrong.partition(": ")[0])[:120]


class TooSlow(BaseException):
    """An input that is still being parsed when the alarm rings."""


def outcome(parser: Parser, data: bytes, alarm_s: float = ALARM_S) -> Outcome:
    """Return what a parser does with an input."""
    try:
        with alarm(alarm_s):
            parser.parse(data)
    except parser.refuses as refusal:
        shown = str(refusal)
        if parser.is_shown and not all(map(_is_showable, shown)):
            return Outcome(wrong=f"{MESSAGE}: {shown!r}"[:500])
        return Outcome()
    except TooSlow:
        return Outcome(wrong=f"{HANG} {alarm_s:g} s")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is wrong: Rust's panics are no Exception
        return Outcome(wrong=f"{type(error).__name__} in {_place(error)}: {error}"[:500])
    return Outcome(taken=True)


def _is_showable(letter: str) -> bool:
    """Whether a terminal shows a letter as what it is; it shows each kind of space as one, as in names of files."""
    return letter.isprintable() or letter == "\n" or unicodedata.category(letter) == "Zs"


def why_wrong(parser: Parser, data: bytes, alarm_s: float = ALARM_S) -> str | None:
    """Return what a parser does with an input that it must not do, None where it takes or refuses it properly."""
    return outcome(parser, data, alarm_s).wrong


def _place(error: BaseException) -> str:
    """Return the function of ours that an error comes from, the innermost, else where it is from."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    ours = [one for one in frames if one.filename.startswith(_ROOT) and "site-packages" not in one.filename]
    last = (ours or frames)[-1]
    return f"{last.filename.removeprefix(_ROOT + os.sep)}, {last.name}"


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
