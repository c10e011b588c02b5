"""run.json holds what all workers gave out of accounts and test data, and null when one of them doesn't say."""

import json
from pathlib import Path

import pytest

from loadtests.environment.targets import read_targets
from loadtests.results.inputs import declared_by
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import write_run
from scripts.running.read_inputs import read_inputs
from tests.scripts.made_run import facts, make_run
from tests.scripts.world import targets, write_inputs

POOL = {"use": "exclusive", "rows": 250, "given": 40, "in_use_peak": 9, "lacked": 3, "short_peak": 2, "locked": 1}


def told(folder: Path, *pools: object) -> object:
    directory = RunDirectory(path=make_run(folder, "PASS"))
    for path, own in zip(directory.workers(), pools, strict=True):
        write_json(path, {**json.loads(path.read_text()), "data_pools": own})
    inputs = read_inputs(folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml", "staging")
    write_run(directory, inputs, *facts())
    return json.loads(directory.run.read_text())["data_pools"]


def test_what_the_workers_gave_out_is_added_up(tmp_path: Path) -> None:
    two = {"accounts": {**POOL, "given": 2}, "coupons": POOL}
    assert told(tmp_path, {"accounts": POOL}, two) == {
        "accounts": {
            "use": "exclusive",
            "rows": 500,
            "given": 42,
            "in_use_peak": 18,
            "lacked": 6,
            "short_peak": 4,
            "locked": 2,
        },
        "coupons": POOL,
    }


def test_a_file_that_the_workers_share_is_one(tmp_path: Path) -> None:
    shared = {"words": {**POOL, "use": "shared"}}
    assert told(tmp_path, shared, shared) == {
        "words": {**POOL, "use": "shared", "given": 80, "in_use_peak": 18, "lacked": 6, "short_peak": 4, "locked": 2}
    }


def test_a_run_without_any_says_so(tmp_path: Path) -> None:
    assert told(tmp_path, {}, {}) == {}


def test_a_worker_that_does_not_say_makes_it_unknown(tmp_path: Path) -> None:
    assert told(tmp_path, {"accounts": POOL}, None) is None


@pytest.mark.parametrize(
    ("accounts", "asked"), [({"file": "a.csv"}, True), ({"share": {"guest": 1.0}}, False), (None, False)]
)
def test_the_judge_asks_for_it_where_files_are_declared(tmp_path: Path, accounts: object, *, asked: bool) -> None:
    write_inputs(tmp_path, targets=targets(accounts=accounts))
    environment = read_targets(tmp_path / "targets.yaml").environments["staging"]
    assert ("test data" in declared_by(environment)) is asked
