"""Finding a run directory by path, by name, or as the latest."""

from pathlib import Path

from loadtests.comparison.job import FILE as COMPARISON
from loadtests.evidence.check import check_no_links
from scripts.context import Context
from slo.documents import BadInput


def find_run(name: str, context: Context) -> Path:
    """Return the run directory that `name` means: a path, a name, or `latest`; raises BadInput.

    Also for one that holds a link, through which a command would read, or write, any file of the machine.
    """
    found = find_held(name, context)
    check_no_links(found)
    return found


def find_held(name: str, context: Context) -> Path:
    """Return the run directory that `name` means, for a command that holds it against its manifest first.

    Raises BadInput where there is none.
    """
    if name == "latest":
        runs = sorted(path for path in context.runs.glob("*Z-*") if _is_run(path))
        if not runs:
            raise BadInput(f"{context.runs}: holds no run yet; `peakproof demo` or `peakproof gate` makes one")
        return runs[-1]
    for path in _places(name, context):
        if _is_run(path):
            return path
    raise BadInput(f"{name}: not a run directory: expected a path, a name below {context.runs}, or latest")


def find_comparison(name: str, context: Context) -> Path | None:
    """Return the folder of the comparison that `name` means, a path or a name; None where it means none."""
    return next((path for path in _places(name, context) if _is_comparison(path)), None)


def _places(name: str, context: Context) -> tuple[Path, Path]:
    return (Path(name) if Path(name).is_absolute() else context.folder / name, context.runs / name)


def _is_run(path: Path) -> bool:
    """Whether a run is, or was, there: one whose run.json is gone still has its manifest, as a comparison has."""
    if (path / "run.json").is_file():
        return True
    return (path / "manifest.json").is_file() and not _is_comparison(path)


def _is_comparison(path: Path) -> bool:
    return (path / COMPARISON).is_file()
