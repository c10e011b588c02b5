"""Records in a file, one JSON value a line, that jobs append to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from exporters.serving.source import Unreadable
from slo.documents import BadInput, read_text

MAX_BYTES, MAX_LINES = 8 << 20, 50_000
_MAX_MESSAGE = 300
Record = TypeVar("Record")


def read_records(path: Path, parse: Callable[[object, str], Record]) -> list[Record]:
    """Return every line as `parse` makes it of the JSON value and its place; a line that is blank is passed over.

    A last line without its end that isn't JSON is still being written: it is left for the next read. Raises Unreadable
    with the first line that isn't JSON, or that `parse` refuses by BadInput.
    """
    lines = _text(path).split("\n")
    unfinished = lines.pop()
    if unfinished and _is_json(unfinished):
        lines.append(unfinished)
    if len(lines) > MAX_LINES:
        raise Unreadable(f"{path}: {len(lines)} lines, more than the {MAX_LINES} allowed")
    return [_record(line, f"{path}:{number}", parse) for number, line in enumerate(lines, 1) if line.strip()]


def _text(path: Path) -> str:
    try:
        return read_text(path, MAX_BYTES)
    except BadInput as error:
        raise Unreadable(str(error)) from error


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _record(line: str, place: str, parse: Callable[[object, str], Record]) -> Record:
    try:
        return parse(json.loads(line), place)
    except BadInput as error:
        raise Unreadable(str(error).splitlines()[0][:_MAX_MESSAGE]) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{place}: not JSON: {str(error)[:_MAX_MESSAGE]}") from error
