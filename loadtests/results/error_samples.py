"""`errors/<worker>.jsonl`: the first replies that weren't what their steps need, so that a reader sees what came back.

Masked and bounded: a shop that breaks breaks for everybody, and five replies of a step say as much as a million. A step
that breaks in another way later on adds the first reply of each way.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from loadtests.results.run_directory import RunDirectory
from slo.documents import Count, Ns, WrittenDocument

FORMAT: Final = "peakproof/error-sample/v1"
FIRST_OF_A_STEP, MOST_OF_A_STEP, MOST = 5, 10, 250
BODY_BYTES = 2 << 10
TOTAL_BYTES = 768 << 10
KINDS_BYTES = TOTAL_BYTES // 2
"""How much may be there already where the first reply of another kind still adds to a step's first five."""
_LONGEST_WHY = 500
_NUMBERS = re.compile(r"\d+")
_MOST_READ = 1 << 20


class ErrorSample(WrittenDocument):
    """One reply that wasn't what its step needs; nothing in it is secret, and `body` is cut."""

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    at: Ns
    step: str
    journey: str
    session: Count
    method: str
    path: str
    status: int = Field(description="HTTP's; 0 without a reply")
    error: str = Field(description="the record's error", examples=["wrong_reply", "http_5xx"])
    why: str = Field("", description="what the check found; empty where the error says it all")
    headers: dict[str, str] = Field(
        {}, description="the reply's; masked but for those that are known to hold no secret"
    )
    bytes: Count = Field(description="of the whole body")
    body: str = Field(description="the body's first 2 KiB as text, masked")


class ErrorSamples:
    """Writes one worker's samples, each with one `write()`; the file appears with the first."""

    def __init__(self, directory: RunDirectory, worker: str) -> None:
        self._path = directory.error_samples(worker)
        self._kinds: set[tuple[str, str, str]] = set()
        self._steps: Counter[str] = Counter()
        self._size, self._kept = 0, 0

    def wants(self, step: str, error: str, why: str) -> bool:
        """Whether one more of a step is kept: one of its first five, or the first of its kind; it is counted then."""
        of_step = self._steps[step]
        if of_step >= MOST_OF_A_STEP or self._size >= TOTAL_BYTES or self._kept >= MOST:
            return False
        kind = step, *_kind(error, why)
        if of_step >= FIRST_OF_A_STEP and (kind in self._kinds or self._size >= KINDS_BYTES):
            return False
        self._kinds.add(kind)
        self._steps[step] += 1
        self._kept += 1
        return True

    def keep(self, sample: ErrorSample) -> None:
        """Write a sample that is wanted."""
        line = sample.model_dump_json().encode() + b"\n"
        self._size += len(line)
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            os.write(file.fileno(), line)


def read_samples(directory: RunDirectory) -> tuple[ErrorSample, ...]:
    """Return the samples of every worker by time; a line that is cut short or is none is left out."""
    found = [sample for path in directory.all_error_samples() for sample in _read(path)]
    return tuple(sorted(found, key=lambda one: one.at or 0))


def by_step(samples: Iterable[ErrorSample]) -> Mapping[str, tuple[ErrorSample, ...]]:
    """Return of each step the first five replies of the run, and then the first of each other kind; steps by name.

    The samples are in the order of their time.
    """
    found: defaultdict[str, list[ErrorSample]] = defaultdict(list)
    for one in samples:
        kept = found[one.step]
        is_new = all(_kind(one.error, one.why) != _kind(other.error, other.why) for other in kept)
        if len(kept) < FIRST_OF_A_STEP or (is_new and len(kept) < MOST_OF_A_STEP):
            kept.append(one)
    return {step: tuple(found[step]) for step in sorted(found)}


def _kind(error: str, why: str) -> tuple[str, str]:
    """Return what is alike in replies that differ in their numbers alone."""
    return error, _NUMBERS.sub("0", why[:_LONGEST_WHY])


def _read(path: Path) -> list[ErrorSample]:
    found = []
    with path.open("rb") as file:
        for line in file.read(_MOST_READ).splitlines():
            try:
                found.append(ErrorSample.model_validate_json(line))
            except ValidationError:
                continue
    return found
