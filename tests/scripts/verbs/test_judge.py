"""`peakproof judge` makes the verdict from the run directory alone, and no damage to it ever makes a PASS."""

import json
import shutil
from pathlib import Path

import pytest

from tests.scripts.world import Command


@pytest.mark.parametrize(("outcome", "code"), [("PASS", 0), ("FAIL", 99), ("INCONCLUSIVE", 75)])
def test_the_exit_code_is_the_verdicts(outcome: str, code: int, made_runs: dict[str, Path], peakproof: Command) -> None:
    run = shutil.copytree(made_runs[outcome], peakproof.folder / "runs" / made_runs[outcome].name)
    ended = peakproof("judge", run.name)
    assert (ended.code, ended.err) == (code, "")
    verdict = json.loads((run / "verdict.json").read_text())
    assert (verdict["outcome"], verdict["exit_code"]) == (outcome, code)
    assert ended.out.split()[0] == outcome
    assert ended.out.endswith(f"\nrun={run}\n{outcome}  {run / 'report.html'}\n")
    assert {"verdict.json", "junit.xml", "summary.md", "report.html"} <= {path.name for path in run.iterdir()}
