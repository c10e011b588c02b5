"""`make rules`: the stack's own rules and their tests, generated anew from the shipped objectives."""

import sys
from collections.abc import Mapping
from pathlib import Path

from dashboards.grafana.links import uid
from exporters.alerts.table import groups
from exporters.config import read_config
from loadtests.results.run_directory import write_bytes
from slo.objectives.reading import read_objectives
from slo.rules.build import Built, Pace, build
from slo.rules.files import RuleFiles
from slo.rules.scope import Scope
from slo.rules.write import Links

ROOT = Path(__file__).parents[2]
OBJECTIVES = ROOT / "slo" / "objectives" / "twisted-threads.yaml"
EXAMPLE = ROOT / "examples" / "exporters" / "exporters.yaml"
FOLDER = ROOT / "docker" / "prometheus" / "rules"
ENVIRONMENT, DASHBOARD, GRAFANA = "staging", uid("incident"), "http://127.0.0.1:3000"


def stack_rules(objectives: Path = OBJECTIVES) -> Mapping[str, str]:
    """Return the stack's generated files, by their path below `FOLDER`; of `objectives` in place of its own."""
    scope, pace = Scope(environment=ENVIRONMENT), Pace()
    built = build(read_objectives([objectives]), scope, pace=pace, dashboard=DASHBOARD)
    return RuleFiles(scope=scope, links=Links(dashboards=GRAFANA), pace=pace).of(built, ())


def example_rules(config: Path = EXAMPLE) -> Mapping[str, str]:
    """Return the files of the exporters' alerts that the example's configuration makes, or another one."""
    scope, pace = Scope(environment=ENVIRONMENT), Pace()
    nothing = Built(objectives=(), left_out=())
    return RuleFiles(scope=scope, links=Links(), pace=pace).of(nothing, groups(read_config(config), scope))


def main() -> int:
    """Write them."""
    for path, text in stack_rules().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(FOLDER / path, text.encode())
        print(FOLDER / path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
