"""What a worker that streamed wrote and couldn't bring to its master any more, brought over from its folder later."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.run_directory import RunDirectory, write_bytes
from slo.documents import BadInput


def bring_ledgers(folder: Path, directory: RunDirectory) -> Mapping[str, int]:
    """Complete the ledgers in a run directory from a worker's own `folder` of that run.

    Return the workers whose ledger is whole now, each with how many rows were brought; a last line that was cut short
    is no row. Raises BadInput, with nothing written, when the folder is of another run, holds no ledger, or one that
    doesn't begin as what arrived of it.
    """
    own = RunDirectory(path=folder.resolve())
    if own.name != directory.name:
        raise BadInput(f"{folder}: expected the folder {directory.name} that a worker of this run wrote")
    if own.path == directory.path.resolve():
        raise BadInput(f"{folder}: this is the run directory itself; a worker that streamed has a folder of its own")
    if not own.ledgers():
        raise BadInput(f"{folder}: no ledger-<worker>.jsonl")
    wholes = {path.name: _whole_rows(path, directory.path / path.name) for path in own.ledgers()}
    brought = {}
    for name, (data, rows) in wholes.items():
        if rows:
            write_bytes(directory.path / name, data)
        brought[name.removeprefix("ledger-").removesuffix(".jsonl")] = rows
    return brought


def _whole_rows(own: Path, arrived: Path) -> tuple[bytes, int]:
    """Return all whole rows that a worker wrote, and how many of them hadn't arrived."""
    try:
        wrote = own.read_bytes()
        there = arrived.read_bytes() if arrived.exists() else b""
    except OSError as error:
        raise BadInput(f"{error.filename}: can't be read: {error.strerror}") from error
    wrote, there = wrote[: wrote.rfind(b"\n") + 1], there[: there.rfind(b"\n") + 1]
    if not wrote.startswith(there):
        raise BadInput(f"{own}: does not begin as {arrived}, which came from this worker")
    return wrote, wrote.count(b"\n") - there.count(b"\n")
