"""Judged runs, written by hand: what CI reads of them, and nothing else."""

import json
from pathlib import Path
from typing import Any

from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory

OBJECTIVES = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-latency
---
apiVersion: openslo/v1
kind: SLO
metadata: {displayName: Home, name: home-answers}
"""
SUMMARY = "### ❌ FAIL release 1 on staging\n\ncheckout-latency: 15 % of 400\n"


def objective(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    """Return one objective of a verdict."""
    return {"name": name, "outcome": outcome, "because": f"{name} was {outcome}", **more}


def validity(subject: str, **more: Any) -> dict[str, Any]:
    """Return a finding by which a run isn't valid."""
    return {"kind": "validity", "severity": "inconclusive", "subject": subject, "message": f"{subject} bad", **more}


def judged(folder: Path, outcome: str, *, summary: str = SUMMARY, **document: Any) -> Path:
    """Write a judged run into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    code = {"PASS": 0, "FAIL": 99, "INCONCLUSIVE": 75}.get(outcome, 1)
    verdict = {
        "format": "peakproof/verdict/v1",
        "outcome": outcome,
        "exit_code": code,
        "run": folder.name,
        "headline": f"{outcome}  the reason",
        **document,
    }
    (folder / "run.json").write_text("{}")
    (folder / "requests-w0-00000.parquet").write_bytes(b"r" * 1000)
    directory = RunDirectory(path=folder)
    outputs = {
        directory.junit: b'<testsuites name="peakproof"/>',
        directory.summary: summary.encode(),
        directory.report: b"<p>" * 100,
        directory.verdict: json.dumps(verdict).encode(),
    }
    write_outputs(directory, "judge", write_manifest(directory), outputs)
    return folder
