"""The YAML that docs/contracts.md shows is read by the code."""

import re
from pathlib import Path

from loadtests.demand.plan import read_plan
from loadtests.environment.targets import read_targets

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts.md"


def test_the_plan_and_the_targets_of_the_contract_are_valid(tmp_path: Path) -> None:
    plan, targets = re.findall(r"```yaml\n(.*?)```", CONTRACTS.read_text(), re.DOTALL)
    (tmp_path / "plan.yaml").write_text(plan)
    (tmp_path / "targets.yaml").write_text(targets)
    assert read_plan(tmp_path / "plan.yaml").name == "holiday-peak"
    assert list(read_targets(tmp_path / "targets.yaml").environments) == ["staging"]
