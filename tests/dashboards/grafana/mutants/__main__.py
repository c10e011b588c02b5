"""`python -m tests.dashboards.grafana.mutants [N]`: every mutant and what was found of it, the survivors last.

With N also each kind of mistake at N places of the shipped boards.
"""

import sys
from itertools import groupby

from dashboards.grafana.build import build
from tests.dashboards.grafana.mutants.on_boards import tried
from tests.dashboards.grafana.mutants.score import MUTANTS
from tests.dashboards.grafana.test_mutants import results


def main(most: int) -> None:
    """Print the tables."""
    for one in sorted(results(), key=lambda one: not one.findings):
        rules = ", ".join(dict.fromkeys(rule for rule, _, _ in one.findings)) or "SURVIVED"
        _say(f"{rules:40} {one.mutant.where:16} {one.mutant.name}")
    caught = sum(bool(one.findings) for one in results())
    _say(f"{caught} of {len(MUTANTS)} found, {caught / len(MUTANTS):.1%}")
    made = list(tried(build(), most))
    for mistake, group in groupby(made, lambda one: one.mistake):
        every = list(group)
        missed = "; ".join(f"{one.board} > {one.panel}" for one in every if not one.found)
        _say(f"{sum(one.found for one in every):3} of {len(every):3}  {mistake:34} {missed}")
    if made:
        found = sum(one.found for one in made)
        _say(f"{found} of {len(made)} found in the shipped boards, {found / len(made):.1%}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
