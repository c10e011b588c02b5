"""Links: they lead to a board that is there, with time, environment, Prometheus, and values that the series have."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.checks.tables import fields
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json

_TARGET = re.compile(r"^/d/(?P<uid>[\w-]+)\?(?P<query>.*)$")
_OF_SERIES = re.compile(r"^\$\{__field\.labels\.(\w+):percentencode\}$")
_OF_ROW = re.compile(r'^\$\{__data\.fields\["([^"]+)"\]:percentencode\}$')
_CARRIED = {
    "${__url_time_range}": "the time range",
    "${environment:queryparam}": "the environment",
    "${datasource:queryparam}": "the Prometheus",
}


def links(panel: Json) -> Iterator[Json]:
    """Yield every link of a panel: its own, its values' and its columns'."""
    yield from panel.get("links", [])
    yield from panel["fieldConfig"]["defaults"].get("links", [])
    for override in panel["fieldConfig"].get("overrides", []):
        for one in override.get("properties", []):
            if one["id"] == "links":
                yield from one["value"]


def _links(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        for link in links(panel):
            for message in _wrong(link.get("url", ""), dashboard, panel):
                yield title_of(panel), f"link {link.get('title')!r}: {message}"


def _wrong(url: str, dashboard: Json, panel: Json) -> Iterator[str]:
    target = _TARGET.match(url)
    if target is None:
        yield f"{url} does not begin with /d/<uid>?" + (", and names a host" if urlsplit(url).netloc else "")
        return
    parts = _parts(target["query"])
    if target["uid"] == dashboard.get("uid") and not any(part.startswith("var-") for part in parts):
        yield "leads to the dashboard itself, and chooses nothing"
    for part, what in _CARRIED.items():
        if part not in parts:
            yield f"does not carry {what}: {part}"
    for part in parts:
        if part not in _CARRIED:
            yield from _wrong_part(part, panel)


def _parts(query: str) -> list[str]:
    return query.split("&")


def _wrong_part(part: str, panel: Json) -> Iterator[str]:
    name, _, value = part.partition("=")
    if not name.startswith("var-") or not value:
        yield f"{part!r} is not var-<variable>=<value>"
    elif "$" in value:
        yield from _wrong_value(value, panel)


def _wrong_value(value: str, panel: Json) -> Iterator[str]:
    if panel["type"] == "table":
        named, known = _OF_ROW.match(value), fields(panel)
        form, what = '${__data.fields["<column>"]:percentencode}', "column"
    else:
        named, known = _OF_SERIES.match(value), _labels(panel)
        form, what = "${__field.labels.<label>:percentencode}", "label"
    if named is None:
        yield f"{value} is not {form}, so it stays empty or breaks the address"
    elif known is not None and named[1] not in known:
        yield f"there is no {what} {named[1]}; there are {', '.join(sorted(known)) or 'none'}"


def _labels(panel: Json) -> frozenset[str] | None:
    """Return the labels that the series of every query of a panel have."""
    every = [
        read(target["expr"]).series.labels for target in panel.get("targets", []) if target.get("expr", "").strip()
    ]
    if not every or any(one is None for one in every):
        return None
    return frozenset.intersection(*(one for one in every if one is not None))


def dead(dashboard: Json, boards: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the links of `dashboard` whose board is none of `boards` (by uid), or has no such variable."""
    for panel in panels(dashboard):
        for link in links(panel):
            target = _TARGET.match(link.get("url", ""))
            if target is None:
                continue
            board = boards.get(target["uid"])
            if board is None:
                yield title_of(panel), f"link {link.get('title')!r}: there is no dashboard {target['uid']!r}"
                continue
            known = {variable["name"] for variable in board["templating"]["list"]}
            for part in _parts(target["query"]):
                name = part.partition("=")[0].removeprefix("var-")
                if part.startswith("var-") and name not in known:
                    yield title_of(panel), f"link {link.get('title')!r}: {board['title']!r} has no variable ${name}"


RULES: Mapping[str, Rule] = {"link": _links}
