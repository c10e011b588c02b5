"""django-oscar on SQLite or PostgreSQL, installed once and filled as its example says."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.example_shops.cache import Server, installed, ran, serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "shops" / "oscar"
LOCK = EXAMPLE / "requirements.lock"


def programs() -> Path:
    """Return the folder of the programs that Oscar's own environment has."""
    return installed("oscar", LOCK, _install) / "venv" / "bin"


def _install(folder: Path) -> None:
    uv, log = Path(sys.executable).with_name("uv"), folder / "install.log"
    ran([uv, "venv", "-q", "--python", sys.executable, "venv"], cwd=folder, log=log)
    ran([uv, "pip", "sync", "-q", "--python", "venv/bin/python", "--require-hashes", LOCK], cwd=folder, log=log)


@contextmanager
def oscar(folder: Path, database: str | None = None, **variables: str) -> Iterator[tuple[Server, dict[str, str]]]:
    """Serve a shop with its data in `folder`, or in a PostgreSQL; give it and the variables of its targets.yaml.

    `variables` are added to its environment: those of OpenTelemetry, where it is to be measured.
    """
    staff = {"OSCAR_STAFF_PASSWORD": "correct-horse-battery"}
    needs = {**staff, "OSCAR_DATA": str(folder), "OSCAR_DATABASE": database or "", "PYTHONDONTWRITEBYTECODE": "1"}
    folder.mkdir()
    ran([programs() / "python", "manage.py", "seed"], cwd=EXAMPLE, log=folder / "seed.log", **needs)
    with serving(
        lambda port: [programs() / "gunicorn", "--bind", f"127.0.0.1:{port}"],
        cwd=EXAMPLE, log=folder / "oscar.log", ready="/en-gb/catalogue/", environment={**needs, **variables},
    ) as server:  # fmt: skip
        yield server, {**staff, "OSCAR_DSN": database or f"sqlite:///{folder}/shop.sqlite3"}
