"""A catalogue in JSON, from a file that a job writes or from a command that is run at most once a minute."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from exporters.context import ExporterContext
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.program import MAX_BYTES, Program
from exporters.sources.secret import revealed
from exporters.subjects.recovery.config import ListedByProgram
from loadtests.environment.credentials import masks_of

EVERY_S = 60.0
_GIVEN = ("PATH", "HOME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Parsed JSON and where it is from; `written_at_s` is the time of a file, None for a command."""

    shown: str
    data: object
    written_at_s: float | None = None


def listing(config: ListedByProgram, context: ExporterContext, place: str) -> Callable[[Deadline], Listing]:
    """Return the read of a catalogue; it raises Unreadable. Raises BadInput when a secret isn't there."""
    if config.file is not None:
        path = context.path(config.file)
        return lambda _: _from_file(path)
    program = _program(config, context, place)

    def run(deadline: Deadline) -> Listing:
        return Listing(shown=program.shown, data=parsed_json(program.output(deadline), program.shown))

    return AtMostEvery(EVERY_S, run)


def parsed_json(content: bytes, place: str) -> object:
    """Return the one JSON value in `content`; raises Unreadable."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{place}: not JSON: {str(error)[:200]}") from error


def _from_file(path: Path) -> Listing:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
            written_at_s = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        raise Unreadable(f"{path}: can't be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise Unreadable(f"{path}: larger than the {MAX_BYTES} bytes allowed")
    return Listing(shown=str(path), data=parsed_json(content, str(path)), written_at_s=written_at_s)


def _program(config: ListedByProgram, context: ExporterContext, place: str) -> Program:
    values = {name: revealed(held, context, f"{place}.environment.{name}") for name, held in config.environment.items()}
    given = {name: context.variables[name] for name in _GIVEN if name in context.variables}
    return Program(
        arguments=config.command or (),
        folder=context.folder,
        environment={**given, **values},
        masks=masks_of(value for name, value in values.items() if config.environment[name].value is None),
    )
