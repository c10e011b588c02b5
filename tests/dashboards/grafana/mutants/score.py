"""How many of the mutants the checks find: a finding counts that the sample doesn't have and that names the place."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants import in_boards, in_panels, in_queries
from tests.dashboards.grafana.mutants.mutant import Mutant
from tests.dashboards.grafana.mutants.sample import detail, overview

MUTANTS: tuple[Mutant, ...] = (*in_queries.MUTANTS, *in_panels.MUTANTS, *in_boards.MUTANTS)

# The findings of a dashboard among the others that there are, each as (rule, where, message).
Checks = Callable[[Json, Json], Iterable[tuple[str, str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A mutant and the findings that count for it: none when it survived."""

    mutant: Mutant
    findings: tuple[tuple[str, str, str], ...]


def scored(checks: Checks) -> Iterator[Scored]:
    """Yield every mutant with what the checks find of it."""
    known = set(checks(overview(), detail()))
    for mutant in MUTANTS:
        made = overview()
        mutant.change(made)
        new = [one for one in checks(made, detail()) if one not in known]
        yield Scored(mutant=mutant, findings=tuple(one for one in new if one[1] == mutant.where))
