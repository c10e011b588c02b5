"""What failed in a run, for a person: the storefront's tracebacks, code that hung, a run directory that is gone."""

from pathlib import Path

from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.hang_watch import read_hang
from loadtests.storefronts.failures import place_at
from slo.formatting import clean, clip

_MOST_LINES, _LONGEST = 40, 200
_MOST_READ = 16 << 10


class DirectoryWatch:
    """Notices that a run directory isn't where it was: what is recorded from then on would be lost."""

    def __init__(self, directory: RunDirectory) -> None:
        self._path, self._was = directory.path, _identity(directory.path)

    def why_gone(self) -> str | None:
        """Return why the run must end; None while the directory is the one it was."""
        if self._was is None or _identity(self._path) == self._was:
            return None
        return f"the run directory {self._path} was removed or renamed in mid-run"


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def why_hung(directory: RunDirectory) -> str | None:
    """Return which worker hung, and where in the storefront's file; None when none did."""
    for path in directory.hangs():
        frames = read_hang(path) if _size(directory, path.name) else ()
        if not frames:
            continue
        own = [frame for frame in frames if frame.file.startswith(f"{directory.storefront.absolute()}/")]
        at = (own or frames)[0]
        place = place_at(at.file, at.line, at.function)
        worker = path.stem.removeprefix("hang-")
        name = place.file.rpartition("/")[2]
        return f"{worker} hung in {name}:{place.line}, {place.function}: {clip(clean(place.source), _LONGEST)}"
    return None


def failure_lines(directory: RunDirectory) -> list[str]:
    """Return the tracebacks of the storefront's failures, bounded."""
    lines: list[str] = []
    for path in directory.all_storefront_failures():
        with path.open(encoding="utf-8", errors="replace") as file:
            lines += [clip(line.rstrip(), _LONGEST) for line in file.read(_MOST_READ).splitlines()]
    more = [f"… and {len(lines) - _MOST_LINES} lines more in {directory.errors}"] if len(lines) > _MOST_LINES else []
    return [*lines[:_MOST_LINES], *more]


def _size(directory: RunDirectory, name: str) -> int:
    try:
        return (directory.errors / name).stat().st_size
    except FileNotFoundError:
        return 0
