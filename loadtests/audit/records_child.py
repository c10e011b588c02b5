"""The process that runs a user's shop records: `python -P -m loadtests.audit.records_child`, spoken to over its pipes.

In: a line of JSON with the file, its text and its settings; then a line a call. Out: rows as lists of JSON, a line for
some of them, and a line with an object when a call is over. What the user's code prints goes to stderr.
"""

import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from loadtests.audit.own_records import KINDS, ShopRecords
from loadtests.audit.rows import row_of
from loadtests.environment.own_module import classes_of, load_module, place_of
from slo.documents import BadInput
from slo.formatting import clean, clip

MOST_MEMORY = 2 << 30
_ROWS_A_LINE, _LINE_EVERY_S = 500, 0.5
GRACE_S = 5.0
_LONGEST_S = 3600.0
_WIDEST = 400


def main() -> None:
    """Load the file, say what it declares, and answer calls until the pipe is closed."""
    calls, answers = pipes()
    bound_memory()
    given = orjson.loads(calls.readline())
    path = Path(given["file"])
    try:
        own = _class_of(path, given["text"])
    except BaseException as error:  # noqa: BLE001 - the user's code may raise anything
        say(answers, {"error": _why(error, path)})
        return
    declares = [kind for kind in KINDS if getattr(own, kind) is not getattr(ShopRecords, kind)]
    say(answers, {"declares": declares, "deadline_s": own.deadline_s})
    records: ShopRecords | None = None
    for line in calls:
        call = orjson.loads(line)
        signal.setitimer(signal.ITIMER_REAL, call["deadline_s"] + GRACE_S)  # if nobody ends this process, it does
        try:
            records = own(given["settings"]) if records is None else records
            rows = send(answers, _rows(records, call, declares), call["first"])
        except BaseException as error:  # noqa: BLE001 - the same
            say(answers, {"error": f"{path.name}: {call['kind']}(): {_why(error, path)}"})
        else:
            say(answers, {"rows": rows})
        signal.setitimer(signal.ITIMER_REAL, 0)


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return where calls come from and answers go to; what anything else prints goes to stderr from now on."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return calls, answers


def bound_memory() -> None:
    """Refuse this process more memory than `MOST_MEMORY`."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _class_of(path: Path, text: str) -> type[ShopRecords]:
    classes = classes_of(load_module(path, text), ShopRecords)
    if len(classes) != 1:
        found = ", ".join(sorted(one.__name__ for one in classes)) or "none"
        raise BadInput(f"{path}: expected one class that is a ShopRecords (class Records(ShopRecords):), found {found}")
    own: type[ShopRecords] = classes[0]
    deadline: object = own.deadline_s
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not 0 < deadline <= _LONGEST_S:
        raise BadInput(f"{path}: deadline_s: expected seconds up to {_LONGEST_S:g}, found {deadline!r}")
    return own


def _rows(records: ShopRecords, call: dict[str, Any], declares: list[str]) -> Iterator[dict[str, Any]]:
    kind = call["kind"]
    if kind not in declares:
        raise BadInput("the file has none")
    records.since = datetime.fromtimestamp(call["since"] // 1000 / 1e6, UTC)
    arguments = {"orders": (call["run"],), "payments": (records.since,)}.get(kind, ())
    given = getattr(records, kind)(*arguments)
    if given is None:
        raise BadInput("returned None: yield rows, or return a list of them")
    try:
        rows = iter(given)
    except TypeError:
        raise BadInput(f"returned {type(given).__name__}: yield rows, or return a list of them") from None
    for number, row in enumerate(rows, start=1):
        yield row_of(kind, row, records.location, f"row {number}")


def send(answers: BinaryIO, rows: Iterator[dict[str, Any]], first: int | None) -> int:
    """Write rows as they come, some to a line; return how many."""
    batch: list[dict[str, Any]] = []
    sent, due = 0, time.monotonic() + _LINE_EVERY_S
    for row in itertools.islice(rows, first):
        batch.append(row)
        if len(batch) >= _ROWS_A_LINE or time.monotonic() >= due:
            sent += len(batch)
            say(answers, batch)
            batch, due = [], time.monotonic() + _LINE_EVERY_S
    if batch:
        say(answers, batch)
    return sent + len(batch)


def say(answers: BinaryIO, value: object) -> None:
    """Write a line of JSON."""
    answers.write(orjson.dumps(value) + b"\n")
    answers.flush()


def _why(error: BaseException, path: Path) -> str:
    """Return an error in one line, with the line of the user's file that it came through."""
    if isinstance(error, BadInput):
        return one_line(str(error))
    if isinstance(error, MemoryError):
        return f"{place_of(error, path)}more than {MOST_MEMORY >> 30} GiB of memory: yield rows as they come"
    message = next((line for line in str(error).splitlines() if line.strip()), "")
    return one_line(f"{place_of(error, path)}{type(error).__name__}: {message}")


def one_line(text: str) -> str:
    """Return a message that fits a line of the terminal's, without its control characters."""
    return clip(clean(text), _WIDEST)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
