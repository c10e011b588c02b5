"""Every rule, over one dashboard or over all of them together."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dashboards.grafana.checks import (
    annotations,
    colours,
    identity,
    layout,
    legends,
    links,
    looks,
    queries,
    tables,
    units,
    variables,
    words,
)
from dashboards.grafana.checks.finding import BOARD, Finding, Rule
from dashboards.grafana.checks.shown import unshown
from dashboards.grafana.upgrade import Json

RULES: Mapping[str, Rule] = {
    **identity.RULES,
    **layout.RULES,
    **words.RULES,
    **units.RULES,
    **colours.RULES,
    **variables.RULES,
    **queries.RULES,
    **legends.RULES,
    **tables.RULES,
    **looks.RULES,
    **links.RULES,
    **annotations.RULES,
}


def check(dashboard: Json) -> list[Finding]:
    """Return every finding of every rule, in the rules' order; an empty list is a good dashboard."""
    return [
        Finding(rule=name, where=where, message=message)
        for name, rule in RULES.items()
        for where, message in rule(dashboard)
    ]


def check_all(boards: Mapping[str, Json], *, complete: bool = False) -> list[Finding]:
    """Return the findings of each dashboard, and of all together: links that resolve, names of their own.

    `complete` says that these are all there are: then every metric that is exported must be on one of them.
    """
    of_each = [
        replace(finding, board=name)
        for name, dashboard in boards.items()
        for finding in (*check(dashboard), *among(name, boards))
    ]
    return of_each + (unshown(boards.values()) if complete else [])


def among(name: str, boards: Mapping[str, Json]) -> Iterator[Finding]:
    """Yield what is wrong with one dashboard among the others that there are."""
    dashboard = boards[name]
    for key in ("uid", "title"):
        for other in boards:
            if other != name and boards[other].get(key) == dashboard.get(key):
                yield Finding(
                    rule="twice", where=BOARD, message=f"{key} {dashboard.get(key)!r} is also that of {other}"
                )
    by_uid = {board["uid"]: board for board in boards.values()}
    for where, message in links.dead(dashboard, by_uid):
        yield Finding(rule="dead-link", where=where, message=message)
