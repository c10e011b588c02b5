"""`errors/<worker>.jsonl`: the first replies that weren't what their steps need, so that a reader sees what came back.

Masked and bounded: a shop that breaks breaks for everybody, and three replies say as much as a million.
"""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from loadtests.results.run_directory import RunDirectory
from slo.documents import Count, Ns, WrittenDocument

FORMAT: Final = "peakproof/error-sample/v1"
MOST_OF_A_KIND, MOST_OF_A_STEP, MOST = 3, 15, 150
BODY_BYTES = 16 << 10
TOTAL_BYTES = 768 << 10
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
    bytes: Count = Field(description="of the whole body")
    body: str = Field(description="the body's first 16 KiB as text, masked")


class ErrorSamples:
    """Writes one worker's samples, each with one `write()`; the file appears with the first."""

    def __init__(self, directory: RunDirectory, worker: str) -> None:
        self._path = directory.error_samples(worker)
        self._kinds: Counter[tuple[str, str, str]] = Counter()
        self._steps: Counter[str] = Counter()
        self._size = 0

    def wants(self, step: str, error: str, why: str) -> bool:
        """Whether one more of this kind is kept; it is counted then."""
        kind = step, error, _NUMBERS.sub("0", why[:_LONGEST_WHY])
        if self._kinds[kind] >= MOST_OF_A_KIND or self._steps[step] >= MOST_OF_A_STEP:
            return False
        if self._steps.total() >= MOST or self._size >= TOTAL_BYTES:
            return False
        self._kinds[kind] += 1
        self._steps[step] += 1
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


def _read(path: Path) -> list[ErrorSample]:
    found = []
    with path.open("rb") as file:
        for line in file.read(_MOST_READ).splitlines():
            try:
                found.append(ErrorSample.model_validate_json(line))
            except ValidationError:
                continue
    return found
