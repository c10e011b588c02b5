"""How workers elsewhere find a run: a file on the shared path names the run that waits, and each worker takes a seat.

The file is there only while a run waits for its workers. A worker that comes later, or comes back after it was lost,
finds none and stays out: its arrivals are lost, and counted.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field

from loadtests.results.run_directory import RunDirectory, write_json
from slo.documents import Document, read_json
from slo.outcomes import EnvironmentLacks

_FILE = "rendezvous.json"


class Rendezvous(Document):
    """A run that waits for its workers, and where its master listens."""

    format: Literal["peakproof/rendezvous/v1"] = "peakproof/rendezvous/v1"
    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    workers: int = Field(ge=1)


@contextmanager
def announced(runs: Path, rendezvous: Rendezvous | None) -> Iterator[None]:
    """Let workers find `rendezvous` for as long as the block lasts; None announces nothing."""
    if rendezvous is None:
        yield
        return
    write_json(runs / _FILE, rendezvous.model_dump(mode="json"))
    try:
        yield
    finally:
        (runs / _FILE).unlink(missing_ok=True)


def read_rendezvous(runs: Path) -> Rendezvous | None:
    """Return the run that waits for workers, None when there is none; raises BadInput on a malformed file."""
    path = runs / _FILE
    return read_json(path, Rendezvous) if path.is_file() else None


def take_seat(directory: RunDirectory, workers: int) -> int | None:
    """Take one of the run's `workers` seats, each given once; None when all are taken. Raises EnvironmentLacks."""
    for seat in range(workers):
        try:
            os.close(os.open(directory.path / f"seat-{seat}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            continue
        except OSError as error:
            raise EnvironmentLacks(f"{directory.path}: can't be written: {error.strerror}") from error
        return seat
    return None
