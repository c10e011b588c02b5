"""`revisions.jsonl`: changes of the plan during the run, one line each, written before the change takes effect."""

import os
from collections.abc import Sequence

from loadtests.demand.revision import MAX_REVISIONS, Revision, check_order
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, read_text, validate_json

ACKNOWLEDGED_NS = 3_000_000_000  # after a revision takes effect, until which every worker must have acknowledged it
_MAX_BYTES = 512 * MAX_REVISIONS


def append_revision(directory: RunDirectory, revision: Revision) -> None:
    """Append one revision and sync it to disk; raises OSError when that fails."""
    line = revision.model_dump_json().encode() + b"\n"
    descriptor = os.open(directory.revisions, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(f"{directory.revisions}: only a part of a line could be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_revisions(directory: RunDirectory) -> Sequence[Revision]:
    """Read every revision, in order; raises BadInput. A last line that was cut off was never sent, and is left out."""
    path = directory.revisions
    if not path.exists():
        return ()
    *lines, _cut_off = read_text(path, _MAX_BYTES).split("\n")
    found = tuple(validate_json(line, Revision, f"{path}, line {n}") for n, line in enumerate(lines, start=1))
    try:
        check_order(found)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
    return found
