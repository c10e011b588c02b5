"""Finding a run directory by path, by name, or as the latest."""

from pathlib import Path

from scripts.context import Context
from slo.documents import BadInput


def find_run(name: str, context: Context) -> Path:
    """Return the run directory that `name` means: a path, a name, or `latest`; raises BadInput."""
    if name == "latest":
        runs = sorted(path for path in context.runs.glob("*Z-*") if _is_run(path))
        if not runs:
            raise BadInput(f"{context.runs}: holds no run yet; `peakproof demo` or `peakproof gate` makes one")
        return runs[-1]
    for path in (Path(name) if Path(name).is_absolute() else context.folder / name, context.runs / name):
        if _is_run(path):
            return path
    raise BadInput(f"{name}: not a run directory: expected a path, a name below {context.runs}, or latest")


def _is_run(path: Path) -> bool:
    """Whether a run is, or was, there: one whose run.json is gone still has its manifest."""
    return any((path / name).is_file() for name in ("run.json", "manifest.json"))
