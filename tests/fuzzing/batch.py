"""A batch of inputs for one parser, in a process that is forked for it.

It writes each input into a mapped file before it is parsed: that one is known which ends the process, or holds it.
Inputs that reach lines of ours that no input before reached are mutated further.
"""

import gc
import mmap
import os
import resource
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Self

from loadtests.results.run_directory import write_json
from tests.fuzzing.kept_database import kept_open
from tests.fuzzing.mutation import mutated
from tests.fuzzing.parser import HANG, Parser, kind_of, outcome
from tests.fuzzing.progress import Progress
from tests.fuzzing.scratch import scratch

_MAPPED_BYTES = 1 << 20
_HEAD = 16
_MORE_MEMORY = 3 << 30
_TRACED_EACH, _TRACED_EACH_LATER, _EARLY = 20, 200, 4000
_MOST_KEPT = 500
_MOST_WRONG = 20
_MOST_HANGS = 3
_ROOT = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one process is to do: so many inputs, not over `cpu_s` of CPU; `folder` is where progress is kept."""

    parser: Parser
    seed: str
    inputs: int
    cpu_s: float
    alarm_s: float
    folder: Path
    parent: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many inputs were parsed, how many of them taken, what all and the slowest cost in seconds of CPU."""

    inputs: int = 0
    taken: int = 0
    cpu_s: float = 0.0
    slowest_s: float = 0.0

    def add(self, other: "Tally") -> None:
        """Count what another counted, too."""
        self.inputs += other.inputs
        self.taken += other.taken
        self.cpu_s += other.cpu_s
        self.slowest_s = max(self.slowest_s, other.slowest_s)


@dataclass(slots=True, kw_only=True)
class Found(Tally):
    """What a batch found; failures by kind, as hex."""

    wrong: dict[str, str] = field(default_factory=dict)


class Mapped:
    """A file that two processes see: the number of the input that is parsed, and the input."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_MAPPED_BYTES))
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), _MAPPED_BYTES)

    def hold(self, number: int, data: bytes) -> None:
        """Say which input is parsed now."""
        self._map[:_HEAD] = number.to_bytes(8, "big") + len(data).to_bytes(8, "big")
        self._map[_HEAD : _HEAD + len(data)] = data

    @property
    def number(self) -> int:
        return int.from_bytes(self._map[:8], "big")

    @property
    def data(self) -> bytes:
        return self._map[_HEAD : _HEAD + int.from_bytes(self._map[8:_HEAD], "big")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Unmap and close it; it stays where it is."""
        self._map.close()
        self._file.close()


def run(batch: Batch, mapped: Mapped, answer: Path) -> None:
    """Run a batch and write what it found as JSON; what is new to its progress is written before."""
    if sys.platform == "linux":  # elsewhere nothing tells what is reserved already
        reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (reserved + _MORE_MEMORY, reserved + _MORE_MEMORY))
    gc.freeze()  # what was imported is never garbage
    warnings.simplefilter("ignore", SyntaxWarning)  # Python's own, of sources that are parsed
    with kept_open():
        _run(batch, mapped, answer)


def _run(batch: Batch, mapped: Mapped, answer: Path) -> None:
    progress, found, hangs = Progress.read(batch.folder), Found(), 0
    began = time.process_time()
    for data in _inputs(batch, progress):
        found.inputs += 1
        mapped.hold(found.inputs, data)
        hangs += _parse(batch, data, found, progress)
        found.cpu_s = time.process_time() - began
        if found.inputs >= batch.inputs or found.cpu_s > batch.cpu_s or hangs >= _MOST_HANGS:
            break
        if os.getppid() != batch.parent:  # it was killed: what nobody waits for isn't counted
            shutil.rmtree(scratch(), ignore_errors=True)
            return
    progress.write(batch.folder)
    write_json(answer, asdict(found))


def _inputs(batch: Batch, progress: Progress) -> Iterator[bytes]:
    """Yield inputs that weren't there before."""
    parser, random = batch.parser, Random(batch.seed)  # noqa: S311 - the same inputs again, not secret ones
    pool = [*parser.all_seeds, *parser.corpus()]
    given = len(pool)
    while True:
        pool += progress.pool[len(pool) - given :]
        data = mutated(random, pool, parser.tokens, parser.most_bytes)
        if progress.is_new(data):
            yield data


def _parse(batch: Batch, data: bytes, found: Found, progress: Progress) -> bool:
    """Parse one input and note what came of it; return whether it hung."""
    if _is_traced(progress) and _reaches_more(batch, data, progress.lines):
        progress.pool.append(data)
    at = time.process_time()
    done = outcome(batch.parser, data, batch.alarm_s)
    found.slowest_s = max(found.slowest_s, time.process_time() - at)
    found.taken += done.taken
    if done.wrong is None:
        return False
    if len(found.wrong) < _MOST_WRONG:
        found.wrong.setdefault(kind_of(done.wrong), data.hex())
    return done.wrong.startswith(HANG)


def _is_traced(progress: Progress) -> bool:
    number = len(progress.seen)
    return number % (_TRACED_EACH if number < _EARLY else _TRACED_EACH_LATER) == 0 and len(progress.pool) < _MOST_KEPT


def _reaches_more(batch: Batch, data: bytes, known: set[str]) -> bool:
    """Whether an input reaches lines of ours that aren't `known`, to which they are added."""
    reached = set[tuple[str, int]]()

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        return line if file.startswith(_ROOT) and "site-packages" not in file else None

    sys.settrace(call)
    try:
        outcome(batch.parser, data, batch.alarm_s)
    finally:
        sys.settrace(None)
    before = len(known)
    known.update(f"{file[len(_ROOT) + 1 :]}:{number}" for file, number in reached)
    return len(known) > before
