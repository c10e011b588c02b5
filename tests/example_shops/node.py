"""What the shops written in JavaScript share: their installation, their database, and the files of an example."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.example_shops.cache import installed, ran
from tests.ports import free_port
from tests.postgresql import postgresql

EXAMPLES = Path(__file__).parents[2] / "examples" / "shops"


def npm_installed(name: str) -> Path:
    """Return a folder with the example's shop, its packages installed as the lock file says."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine")
    source = EXAMPLES / name

    def install(folder: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        ran([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, log=folder / "install.log")

    return installed(name, source / "package-lock.json", install)


@contextmanager
def shop_folder(name: str, folder: Path) -> Iterator[str]:
    """Fill `folder` with the example as it is now, above its installed packages, and serve an empty database for it."""
    for file in (EXAMPLES / name).iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(npm_installed(name) / "node_modules")
    with postgresql(free_port()) as url:
        yield url
