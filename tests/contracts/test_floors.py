"""The house has floors: each room imports only those below it, and a tool holds it."""

import re
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


BROKEN_BY = [
    ("slo/formatting.py", "loadtests.runtime.clock", "each floor imports only the floors below it"),
    ("exporters/names/family.py", "scripts.context", "each floor imports only the floors below it"),
    (
        "loadtests/client/access.py",
        "loadtests.worker.job",
        "inside loadtests, each room imports only the rooms below it",
    ),
    (
        "loadtests/results/ledger.py",
        "loadtests.client.access",
        "inside loadtests, each room imports only the rooms below it",
    ),
    ("scripts/tokens.py", "staging.web", "no room imports the stand-in shop"),
    ("staging/web.py", "slo.outcomes", "the stand-in shop imports no room"),
    (
        "loadtests/shopper/session.py",
        "loadtests.environment.proxy",
        "only those who open connections know the proxy that targets.yaml declares",
    ),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the rooms that may be spoiled."""
    folder = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_floors_hold_until_an_import_from_above_or_from_apart_is_found(house: Path) -> None:
    """One run finds them all, each below the contract that it breaks: a run takes a second."""
    done = linted(house)
    assert (done.returncode, done.stderr) == (0, "")
    assert ", 0 broken." in done.stdout
    for module, imported, _ in BROKEN_BY:
        path = house / module
        path.write_text(f"{path.read_text()}\nimport {imported}  # noqa\n")
    done = linted(house)
    assert done.returncode == 1
    _, *parts = re.split(r"\n([^\n]+)\n-{3,}\n", done.stdout)  # a heading, and what stands below it
    reports = dict(zip(parts[::2], parts[1::2], strict=True))
    for module, imported, contract in BROKEN_BY:
        assert f"{contract} BROKEN" in done.stdout
        importer = module.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {imported} (l." in reports[contract]
