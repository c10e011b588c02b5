"""Bringing ledger rows over is done wholly or can be done again, whenever it is killed."""

import json
import shutil
from pathlib import Path

from loadtests.audit.late_ledgers import bring_ledgers
from loadtests.evidence.check import hold
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from tests.loadtests.killed import each_kill

NAME = "20261127T120000Z-small-0000"


def rows(*keys: str) -> str:
    attempt = {"event": "attempt", "at": 1, "session": 1, "lines": [], "amount_cents": 9}
    return "".join(json.dumps({**attempt, "key": key}) + "\n" for key in keys)


def test_bringing_ledgers_that_is_killed_and_done_again_leads_to_whole_evidence(tmp_path: Path) -> None:
    kept, arrived = tmp_path / "uploads" / NAME, RunDirectory(path=tmp_path / "arrived" / NAME)
    for folder in (kept, arrived.path):
        folder.mkdir(parents=True)
    (kept / "ledger-w0.jsonl").write_text(rows("a", "b") + '{"event":"att')
    (kept / "ledger-w1.jsonl").write_text(rows("c"))
    arrived.ledger("w0").write_text(rows("a"))
    workers = [{"name": name, "ledger_rows_received": 1, "lost": True} for name in ("w0", "w1")]
    arrived.run.write_text(json.dumps({"format": "peakproof/run/v1", "run": NAME, "workers": workers}))
    write_manifest(arrived)
    run = RunDirectory(path=tmp_path / NAME)

    def anew() -> None:
        shutil.rmtree(run.path, ignore_errors=True)
        shutil.copytree(arrived.path, run.path)

    for _ in each_kill(lambda: bring_ledgers(kept, run), anew):
        assert sum(bring_ledgers(kept, run).values()) in {0, 2}
        assert hold(run.path).flaws == ()
        assert (run.ledger("w0").read_text(), run.ledger("w1").read_text()) == (rows("a", "b"), rows("c"))
        document = json.loads(run.run.read_text())
        assert document["orders"]["attempted"] == 3
        assert [one["ledger_rows_received"] for one in document["workers"]] == [2, 1]
        assert bring_ledgers(kept, run) == {"w0": 0, "w1": 0}
