"""An example, played as its README says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.example_shops.cache import Server
from tests.ports import free_base

_LONGEST_S = 420


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A command that ended, and the latest run."""

    code: int
    out: str
    folder: Path

    @property
    def run(self) -> Path:
        """The directory of the latest run."""
        return max((self.folder / "runs").iterdir())

    def document(self, name: str) -> Mapping[str, Any]:
        """Return one of the JSON documents of the latest run."""
        value: dict[str, Any] = json.loads((self.run / name).read_text())
        return value

    def most_at_once(self, step: str) -> int:
        """Return how many requests of a step were sent and not yet answered at one moment, at most, by the records."""
        moments: list[tuple[int, int]] = []
        for part in self.run.glob("requests-*.parquet"):
            for row in pq.read_table(part, columns=["step", "sent_at", "finished_at"]).to_pylist():
                if row["step"] == step:
                    moments += [(row["sent_at"], 1), (row["finished_at"], -1)]
        return max(accumulate(change for _, change in sorted(moments)), default=0)

    def answers(self) -> Mapping[str, str]:
        """Return the audit's answers by check."""
        return {check["name"]: check["outcome"] for check in self.document("audit.json")["checks"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The folder of an example whose shop is served."""

    folder: Path
    variables: Mapping[str, str]

    def peakproof(self, *arguments: str) -> Played:
        """Run a command of Peakproof's to its end."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "scripts.cli", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Played(code=done.returncode, out=done.stdout, folder=self.folder)

    def played(self, plan: str) -> Played:
        """Play, audit and judge a plan; its run was valid, whatever the verdict is."""
        ended = self.peakproof("gate", plan, "--on", "local", "--port-base", str(free_base()))
        assert "load      delivered as planned" in ended.out, ended.out
        return ended


def example(folder: Path, server: Server, variables: Mapping[str, str]) -> Example:
    """Return the example in `folder`, pointed at the shop that is served.

    Its objectives are made so loose that they say nothing of this machine's speed. They need less evidence then: the
    plateau of its plan is two thirds as long.
    """
    targets, objectives, plan = (folder / f"{name}.yaml" for name in ("targets", "objectives", "plan"))
    targets.write_text(re.sub(r"base_url: \S+", f"base_url: {server.url}", targets.read_text()))
    loose = re.sub(r"target: [0-9.]+", "target: 0.2", objectives.read_text())
    objectives.write_text(re.sub(r"within_s: [0-9.]+", "within_s: 60", loose))
    before, plateau, lasts, after = re.split(r"(kind: plateau, duration_s: )(\d+)", plan.read_text())
    plan.write_text(f"{before}{plateau}{int(lasts) * 2 // 3}{after}")
    return Example(folder=folder, variables=variables)
