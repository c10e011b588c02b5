"""`judge --policy` and `slo budget` from the command line: exit codes, and refusals with their place."""

import json
import shutil
from pathlib import Path

import pytest

from tests.scripts.world import Command

HEAD = "format: peakproof/policy/v1\n"
OBJECTIVES = Path(__file__).parents[3] / "slo" / "objectives" / "twisted-threads.yaml"


@pytest.mark.heavy
def test_an_advisory_policy_leaves_the_verdict_and_ends_with_0(
    made_runs: dict[str, Path], peakproof: Command, tmp_path: Path
) -> None:
    run = shutil.copytree(made_runs["FAIL"], tmp_path / made_runs["FAIL"].name)
    policy = tmp_path / "policy.yaml"
    criterion = "{name: slow, kind: latency, steps: [checkout], quantile: 0.95, over_s: 0.3, window_s: 10}"
    policy.write_text(f"{HEAD}mode: advisory\ncriteria: [{criterion}]\n")
    done = peakproof("judge", str(run), "--policy", str(policy))
    assert done.code == 0
    assert done.out.splitlines()[-1].endswith("(advisory: exit 0)")
    document = json.loads((run / "verdict.json").read_text())
    assert (document["outcome"], document["exit_code"], document["policy"]["mode"]) == ("FAIL", 0, "advisory")
    assert [(one["name"], one["outcome"]) for one in document["criteria"]] == [("slow", "breached")]
    page = (run / "report.html").read_text()
    assert "Criteria over windows" in page
    assert "advisory: the exit code is 0" in page


def test_a_policy_that_is_none_is_refused_before_anything_is_judged(
    made_runs: dict[str, Path], peakproof: Command, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"{HEAD}waive: everything\n")
    done = peakproof("judge", str(made_runs["PASS"]), "--policy", str(policy))
    assert done.code == 2
    assert "policy.yaml: waive: unknown key" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--prometheus is missing"),
        (("--prometheus", "http://127.0.0.1:9", "--fix", "reverts"), 2, "--fix WHY and --by WHO go together"),
        (("--prometheus", "http://user:secret@127.0.0.1"), 2, "without a password in it"),
        (("--prometheus", "http://127.0.0.1:9"), 75, "no data"),
    ],
)
def test_budget_never_ships_by_a_prometheus_that_is_not_there(
    arguments: tuple[str, ...], code: int, said: str, peakproof: Command
) -> None:
    done = peakproof("slo", "budget", str(OBJECTIVES), *arguments)
    assert done.code == code
    assert said in done.out + done.err
    assert "secret" not in done.out + done.err
