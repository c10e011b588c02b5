"""A mistake that an author of dashboards makes, as a change of the sample's JSON, and where it must be found."""

from collections.abc import Callable
from dataclasses import dataclass

from dashboards.grafana.upgrade import Json

Change = Callable[[Json], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`change` makes the mistake `name` in place; a finding that counts names the panel `where`, or the dashboard."""

    name: str
    where: str
    change: Change


def panel(dashboard: Json, title: str) -> Json:
    """Return the panel of that title."""
    found: Json = next(one for one in dashboard["panels"] if one["title"] == title)
    return found


def query(name: str, where: str, *changes: tuple[str, str], at: int = 0) -> Mutant:
    """Return the mutant whose query holds the second text of each pair in place of the first."""

    def change(dashboard: Json) -> None:
        target = panel(dashboard, where)["targets"][at]
        for old, new in changes:
            assert old in target["expr"], f"{name}: {old} is not in {target['expr']}"
            target["expr"] = target["expr"].replace(old, new)

    return Mutant(name=name, where=where, change=change)


def target(name: str, where: str, **values: object) -> Mutant:
    """Return the mutant whose first query has other settings."""
    return Mutant(name=name, where=where, change=lambda board: panel(board, where)["targets"][0].update(values))


def settings(name: str, where: str, **values: object) -> Mutant:
    """Return the mutant whose panel has other settings."""
    return Mutant(name=name, where=where, change=lambda board: panel(board, where).update(values))


def defaults(name: str, where: str, **values: object) -> Mutant:
    """Return the mutant whose panel has other field defaults."""
    return Mutant(
        name=name, where=where, change=lambda board: panel(board, where)["fieldConfig"]["defaults"].update(values)
    )


def without(name: str, where: str, key: str) -> Mutant:
    """Return the mutant whose panel lacks a field default."""
    return Mutant(
        name=name, where=where, change=lambda board: panel(board, where)["fieldConfig"]["defaults"].pop(key) and None
    )


def board(name: str, **values: object) -> Mutant:
    """Return the mutant whose dashboard has other settings."""
    return Mutant(name=name, where="dashboard", change=lambda dashboard: dashboard.update(values))
