"""What a storefront's failures left in a run directory, as lines for a person: tracebacks, and code that hung."""

from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.hang_watch import read_hang
from loadtests.storefronts.failures import place_at
from slo.formatting import clean, clip

_MOST_LINES, _LONGEST = 40, 200
_MOST_READ = 16 << 10


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
