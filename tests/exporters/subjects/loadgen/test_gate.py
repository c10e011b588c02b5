"""The gate's outcome is that of the latest run that was judged, or unknown."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporters.context import ExporterContext
from exporters.subjects.loadgen.config import LoadgenConfig, subject_of
from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from tests.exporters.fakes import LIVE, Samples
from tests.exporters.subjects.orders.fixtures import of, scraped

FIRST, SECOND, THIRD = "20261127T090000Z-peak-ffff", "20261127T100000Z-peak-0000", "20261128T090000Z-peak-aaaa"
CODES = {"PASS": 0, "FAIL": 99, "INCONCLUSIVE": 75}
NOW = 1_700_000_000_500_000_000
"""When the verdicts of these tests are decided, and the exporter reads them."""


def judged(runs: Path, name: str, outcome: str, /, **changes: Any) -> Path:
    verdict = {
        "format": "peakproof/verdict/v1",
        "outcome": outcome,
        "exit_code": CODES.get(outcome, 0),
        "decided_at": NOW,
        **changes,
    }
    (runs / name).mkdir()
    directory = RunDirectory(path=runs / name)
    manifest = write_manifest(directory)
    write_outputs(directory, "judge", manifest, {directory.verdict: json.dumps(verdict).encode()})
    return directory.verdict


def found(runs: Path) -> Samples:
    context = ExporterContext(variables={}, folder=runs, runs=runs, now=lambda: NOW)
    return scraped(subject_of(LoadgenConfig(), context))


@pytest.mark.parametrize("outcome", list(CODES))
def test_one_outcome_is_one_and_the_others_are_zero(tmp_path: Path, outcome: str) -> None:
    judged(tmp_path, FIRST, outcome)
    samples = found(tmp_path)
    assert of(samples, "loadtest_gate_outcome") == {(one.lower(),): one == outcome for one in CODES}
    assert samples["loadtest_gate_timestamp_seconds",] == 1_700_000_000.5


def test_the_latest_run_that_was_judged_counts_also_while_a_later_one_is_under_way(tmp_path: Path) -> None:
    judged(tmp_path, SECOND, "PASS")
    judged(tmp_path, FIRST, "FAIL")
    (tmp_path / THIRD).mkdir()
    (tmp_path / THIRD / "live.json").write_text(json.dumps(LIVE))
    samples = found(tmp_path)
    assert samples["loadtest_gate_outcome", "pass"] == 1
    assert of(samples, "loadgen_exporter_up") == {("live.json",): 1, ("verdict.json",): 1}
    assert samples["loadtest_open_sessions",] == 42


@pytest.mark.parametrize(("state", "late_s", "up"), [("running", 60, 1), ("running", 61, 0), ("ended", 86_400, 1)])
def test_a_run_that_was_broken_off_is_not_shown_as_under_way(tmp_path: Path, state: str, late_s: int, up: int) -> None:
    (tmp_path / FIRST).mkdir()
    (tmp_path / FIRST / "live.json").write_text(json.dumps({**LIVE, "state": state}))
    now = 1_700_000_000_500_000_000 + late_s * 10**9
    context = ExporterContext(variables={}, folder=tmp_path, runs=tmp_path, now=lambda: now)
    samples = scraped(subject_of(LoadgenConfig(), context))
    assert samples["loadgen_exporter_up", "live.json"] == up
    assert (("loadtest_open_sessions",) in samples) == up


def test_before_any_gate_there_is_no_outcome(tmp_path: Path) -> None:
    (tmp_path / FIRST).mkdir()
    samples = found(tmp_path)
    assert {name for name, *_ in samples} == {"loadgen_exporter_up"}
    assert samples["loadgen_exporter_up", "verdict.json"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": "GOOD"}, "outcome: expected one of PASS, FAIL, INCONCLUSIVE, found 'GOOD'"),
        ({"exit_code": 99}, "exit_code: expected 0 with PASS, found 99"),
        ({"decided_at": None}, "decided_at: required and missing"),
        ({"exit_code": "0 or so"}, None),
        ({"decided_at": -1}, None),
        ({"decided_at": NOW + 301 * 10**9}, "decided_at: lies 301 s ahead, allowed are 300"),
    ],
)
def test_a_damaged_verdict_is_down_and_no_earlier_one_stands_in_for_it(
    tmp_path: Path, changes: dict[str, Any], message: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    judged(tmp_path, FIRST, "PASS")
    path = judged(tmp_path, SECOND, "PASS", **changes)
    samples = found(tmp_path)
    assert samples["loadgen_exporter_up", "verdict.json"] == 0
    assert of(samples, "loadtest_gate_outcome") == {}
    if message is not None:
        assert f"loadgen (verdict.json): can't be read: {path}: {message}" in caplog.text


def test_a_verdict_that_was_rewritten_or_is_of_no_manifest_is_not_exported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = judged(tmp_path, FIRST, "FAIL")
    path.write_text(path.read_text().replace("FAIL", "PASS").replace("99", "0"))
    assert of(found(tmp_path), "loadtest_gate_outcome") == {}
    assert "verdict.json: changed: not what the step judge wrote" in caplog.text
    path = judged(tmp_path, SECOND, "PASS")
    (path.parent / "manifest.json").unlink()
    samples = found(tmp_path)
    assert (of(samples, "loadtest_gate_outcome"), samples["loadgen_exporter_up", "verdict.json"]) == ({}, 0)


def test_a_fail_under_an_advisory_policy_is_exported_as_one(tmp_path: Path) -> None:
    judged(tmp_path, FIRST, "FAIL", exit_code=0, policy={"mode": "advisory", "on_inconclusive": "block"})
    assert found(tmp_path)["loadtest_gate_outcome", "fail"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_verdict_that_is_cut_off_is_down(tmp_path: Path, text: str) -> None:
    judged(tmp_path, FIRST, "PASS").write_text(text)
    assert found(tmp_path)["loadgen_exporter_up", "verdict.json"] == 0


def test_the_runs_of_a_configuration_are_looked_for_beside_it(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    judged(tmp_path / "elsewhere", FIRST, "FAIL")
    context = ExporterContext(variables={}, folder=tmp_path, runs=tmp_path / "nowhere", now=lambda: NOW)
    samples = scraped(subject_of(LoadgenConfig(runs="elsewhere"), context))
    assert samples["loadtest_gate_outcome", "fail"] == 1
