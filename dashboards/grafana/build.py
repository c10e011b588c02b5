"""Write every dashboard as JSON: the same bytes for the same code, so that a test finds stale ones."""

import json
from pathlib import Path

from dashboards.grafana.boards.table import BOARDS
from dashboards.grafana.upgrade import Json, modern
from loadtests.results.run_directory import write_bytes

GENERATED = Path(__file__).parent.parent / "generated"


def build() -> dict[str, Json]:
    """Return every dashboard's JSON by its name."""
    return {name: build_one(name) for name in BOARDS}


def build_one(name: str) -> Json:
    """Return the JSON of the dashboard of a name."""
    return modern(BOARDS[name].dashboard())


def render(dashboard: Json) -> bytes:
    """Return the bytes of the file that holds `dashboard`."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def write(folder: Path = GENERATED) -> list[Path]:
    """Write `<name>.json` for every dashboard into `folder`, each whole or not at all; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, dashboard in build().items():
        write_bytes(folder / f"{name}.json", render(dashboard))
        written.append(folder / f"{name}.json")
    return written


def stale(folder: Path = GENERATED) -> list[str]:
    """Return the names of the dashboards whose file in `folder` is missing or differs from the code."""
    return [name for name, made in build().items() if _read(folder / f"{name}.json") != render(made)]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
