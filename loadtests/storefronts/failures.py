"""Where in a storefront's file an error came from: the file, the line, its source, and the file's own frames."""

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType

_LONGEST_SOURCE = 200
_MOST_FRAMES = 20
_MOST_CAUSES = 5
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a storefront's file."""

    file: str
    line: int
    function: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def file_of(storefront_class: type) -> str:
    """Return the path of the file that a storefront's class was read from, "" when that isn't known."""
    functions = (one for one in vars(storefront_class).values() if isinstance(one, FunctionType))
    return next((one.__code__.co_filename for one in functions), "")


def places_of(error: BaseException, file: str) -> tuple[Place, ...]:
    """Return the lines of `file` that an error came through, the outermost first; of its cause when it has none."""
    for one in _chain(error):
        frames = [frame for frame in traceback.extract_tb(one.__traceback__) if frame.filename == file]
        if frames:
            return tuple(_place(file, frame.lineno, frame.name) for frame in frames[-_MOST_FRAMES:])
    return ()


def place_at(file: str, line: int, function: str) -> Place:
    """Return a line of `file` with its source."""
    return _place(file, line, function)


def message_of(error: BaseException) -> str:
    """Return an error's type and message, on one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - the user's own exception can't even be shown
        text = "its message can't be shown"
    name = type(error).__name__
    return f"{name}: {text}"[:_LONGEST_MESSAGE] if text else name


def lines_of(places: tuple[Place, ...], message: str) -> list[str]:
    """Return the traceback of a storefront's own lines, with what was raised last."""
    lines: list[str] = []
    for place in places:
        lines += [f"{place}, in {place.function}", f"    {place.source}"]
    return [*lines, message]


def _place(file: str, line: int | None, function: str) -> Place:
    number = line or 0
    return Place(
        file=file, line=number, function=function, source=linecache.getline(file, number).strip()[:_LONGEST_SOURCE]
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__
