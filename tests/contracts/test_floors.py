"""The house has floors: each room imports only those below it, and a tool holds it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging")
LINT = Path(sys.executable).with_name("lint-imports")


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the rooms in `folder`."""
    return subprocess.run(
        [str(LINT), "--no-cache"],
        cwd=folder,
        env={"PATH": "/nowhere", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of the rooms that may be spoiled."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold(house: Path) -> None:
    done = linted(house)
    assert (done.returncode, done.stderr) == (0, "")
    assert ", 0 broken." in done.stdout


@pytest.mark.parametrize(
    ("module", "imported", "broken"),
    [
        ("slo/formatting.py", "loadtests.runtime.clock", "each floor imports only the floors below it BROKEN"),
        ("exporters/names/family.py", "scripts.context", "each floor imports only the floors below it BROKEN"),
        ("loadtests/client/access.py", "loadtests.worker.job", "each room imports only the rooms below it BROKEN"),
        ("loadtests/results/ledger.py", "loadtests.client.access", "each room imports only the rooms below it BROKEN"),
        ("scripts/tokens.py", "staging.web", "no room imports the stand-in shop BROKEN"),
        ("staging/web.py", "slo.outcomes", "the stand-in shop imports no room BROKEN"),
        ("loadtests/shopper/session.py", "loadtests.environment.proxy", "the proxy that targets.yaml declares BROKEN"),
    ],
)
def test_an_import_from_above_or_from_apart_is_found(module: str, imported: str, broken: str, house: Path) -> None:
    path = house / module
    path.write_text(f"{path.read_text()}\nimport {imported}  # noqa\n")
    done = linted(house)
    assert done.returncode == 1
    assert broken in done.stdout
