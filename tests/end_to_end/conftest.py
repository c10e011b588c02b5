"""The demo, played small and once a release, as a user starts it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ports import free_base

SMALL, SLOW, BRIEF, NEWS = (
    Path(__file__).with_name(name) for name in ("small.yaml", "slow.yaml", "brief.yaml", "news.yaml")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A demo that ended."""

    code: int
    out: str
    err: str
    run: Path

    def document(self, name: str) -> dict[str, Any]:
        """Return one of the run's JSON documents."""
        value: dict[str, Any] = json.loads((self.run / name).read_text())
        return value

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return every row of one kind of record."""
        return [row for path in sorted(self.run.glob(f"{kind}-*.parquet")) for row in pq.read_table(path).to_pylist()]

    def front_saw(self) -> list[dict[str, Any]]:
        """Return the requests of this run that the front logged: a count made without us."""
        lines = (self.run / "stand-in" / "access.jsonl").read_text().splitlines()
        return [row for row in map(json.loads, lines) if row["run"] == self.run.name]

    def database_says(self, query: str, database: str = "shop") -> list[tuple[Any, ...]]:
        """Return what the stand-in's own database answers."""
        with closing(sqlite3.connect(self.run / "stand-in" / f"{database}.sqlite")) as connection:
            return connection.execute(query).fetchall()


def play(folder: Path, *arguments: str, plan: Path = SMALL) -> Ended:
    """Run `peakproof demo` in `folder`, on the small plan or another, with a folder that holds traps for imports."""
    (folder / "scripts").mkdir()
    (folder / "scripts" / "__init__.py").write_text("raise SystemExit('the user\\'s own scripts were imported')")
    (folder / "slo.py").write_text("raise SystemExit('the user\\'s own slo was imported')")
    command = [str(Path(sys.executable).with_name("peakproof")), "demo", "--plan", str(plan)]
    done = subprocess.run(
        [*command, "--port-base", str(free_base()), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=280,
        check=False,
    )
    runs = sorted((folder / "runs").glob(f"*-{plan.stem}-*"))
    assert runs, f"no run directory: {done.stdout}\n{done.stderr}"
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, run=runs[-1])


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Play the good release."""
    return play(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Play the release that is slower in checkout, with two workers."""
    return play(tmp_path_factory.mktemp("slow"), "--release", "slow-checkout", "--workers", "2", plan=SLOW)


@pytest.fixture(scope="session")
def overselling(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Play the release that reads its stock without a lock: what its audit finds needs few orders."""
    return play(tmp_path_factory.mktemp("oversell"), "--release", "oversell", plan=BRIEF)


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Play the good release to shoppers who listen to what becomes of their orders."""
    return play(tmp_path_factory.mktemp("news"), plan=NEWS)
