"""A run of each version that was ever released is judged today as it was judged then."""

import json
import tarfile
from pathlib import Path

import pytest

from loadtests.results.recorded_run import read_recorded
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.run_store.aggregating import aggregate
from loadtests.run_store.store import RunStore
from scripts.comparing.judging import judge_comparison
from scripts.running.evidence import Trust, hold_evidence
from scripts.running.judging import _judged
from slo.outcomes import Outcome
from slo.verdict.verdict_document import verdict_document
from tests.formats.keep import COMPARISON, FOLDER, MAX_BYTES, judged_of
from tests.loadtests.run_store.made_aggregates import NOON

KEPT = sorted(path.name.removesuffix(".tar.gz") for path in FOLDER.glob("*.tar.gz"))
VERSIONS = [name for name in KEPT if not name.endswith(COMPARISON)]
COMPARISONS = [name for name in KEPT if name.endswith(COMPARISON)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_of_each_released_version_is_judged_as_it_was_then(version: str, tmp_path: Path) -> None:
    expected = json.loads((FOLDER / f"{version}.json").read_text())
    run = unpacked(version, tmp_path)
    trust = Trust(unverified=True)  # these runs are of before there were manifests
    verdict = _judged(read_recorded(run), hold_evidence(run, trust))  # without the pages
    assert verdict.exit_code != 0
    assert _judged(read_recorded(run), hold_evidence(run)).outcome is Outcome.INCONCLUSIVE
    assert {
        "run": verdict.run,
        "outcome": None if verdict.unverified is None else verdict.unverified.value,
        "objectives": {one.name: [one.outcome, one.events, one.bad] for one in verdict.objectives},
        # A check that came later has its own answer; those of then have theirs.
        "checks": {one.name: one.status for one in verdict.checks if one.name in expected["checks"]},
    } == expected
    write_json(run / "verdict.json", verdict_document(verdict).model_dump(mode="json"))
    store = RunStore(str(tmp_path / "store"))
    store.put(RunDirectory(path=run), aggregate(RunDirectory(path=run)), NOON)
    assert [one.outcome for one in store.contents().entries] == [verdict.outcome.value]


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_of_each_released_version_is_judged_as_it_was_then(name: str, tmp_path: Path) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text())
    with tarfile.open(FOLDER / f"{name}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / expected["comparison"]
    verdict = judge_comparison(folder, Trust(unverified=True)).model_dump(mode="json")
    assert {"comparison": verdict["name"], **judged_of(verdict)} == expected
    assert "manifest.json: missing" in judge_comparison(folder).because


def test_the_first_version_is_among_them_and_none_is_large() -> None:
    assert "0.1.0" in VERSIONS
    assert "0.1.0-comparison" in COMPARISONS
    assert all((FOLDER / f"{name}.tar.gz").stat().st_size <= MAX_BYTES for name in KEPT)


def unpacked(version: str, folder: Path) -> Path:
    """Return the run directory of a version below `folder`."""
    with tarfile.open(FOLDER / f"{version}.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    return folder / str(json.loads((FOLDER / f"{version}.json").read_text())["run"])
