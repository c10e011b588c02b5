"""The same mistakes made at random in the shipped boards: kinds of mistakes, each at sampled places of every board.

The boards were written by others than the checks and the sample's mutants, so this says how far the checks reach beyond
what they were written against.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.grafana.checks.check import among, check
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json

# From a panel to whether the mistake could be made in it; it is made in place.
Change = Callable[[Json, random.Random], bool]
_UNITS = {
    "s": "ms",
    "ms": "s",
    "percentunit": "percent",
    "reqps": "s",
    "short": "bytes",
    "bytes": "short",
    "opm": "cps",
}


def _expr(change: Callable[[str, random.Random], str]) -> Change:
    def made(panel: Json, chance: random.Random) -> bool:
        changed = [(one, change(one["expr"], chance)) for one in panel.get("targets", [])]
        possible = [(one, expr) for one, expr in changed if expr != one["expr"]]
        if not possible:
            return False
        target, target_expr = chance.choice(possible)
        target["expr"] = target_expr
        return True

    return made


def _sub(pattern: str, new: str) -> Change:
    """Return the change of one match of a pattern."""

    def change(expr: str, chance: random.Random) -> str:
        found = list(re.finditer(pattern, expr))
        if not found:
            return expr
        one = chance.choice(found)
        return expr[: one.start()] + one.expand(new) + expr[one.end() :]

    return _expr(change)


def _value(key: str, values: Mapping[str, object] | None, new: object = None) -> Change:
    def change(panel: Json, _: random.Random) -> bool:
        defaults = panel["fieldConfig"]["defaults"]
        if key not in defaults or (values is not None and defaults[key] not in values):
            return False
        if panel["type"] == "table" and key == "unit":
            return False
        defaults[key] = new if values is None else values[defaults[key]]
        return True

    return change


def _legend(panel: Json, chance: random.Random) -> bool:
    targets = [one for one in panel.get("targets", []) if "{{" in one["legendFormat"]]
    if not targets or panel["type"] == "table":
        return False
    target = chance.choice(targets)
    target["legendFormat"] = target["legendFormat"].replace("{{", "{{x_", 1)
    return True


def _links(old: str, new: str) -> Change:
    def change(panel: Json, _: random.Random) -> bool:
        parts = [panel["fieldConfig"]["defaults"].get("links", [])]
        parts += [
            one["value"]
            for override in panel["fieldConfig"]["overrides"]
            for one in override["properties"]
            if one["id"] == "links"
        ]
        for link in (link for part in parts for link in part):
            if re.search(old, link["url"]):
                link["url"] = re.sub(old, new, link["url"], count=1)
                return True
        return False

    return change


def _thresholds(panel: Json, _: random.Random) -> bool:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    if len(steps) < 3:
        return False
    steps[1]["value"], steps[2]["value"] = steps[2]["value"], steps[1]["value"]
    return True


def _column(panel: Json, chance: random.Random) -> bool:
    for one in panel.get("transformations", []):
        if one["id"] == "filterFieldsByName":
            names = one["options"]["include"]["names"]
            names[chance.randrange(len(names))] += "_"
            return True
    return False


def _moved(panel: Json, _: random.Random) -> bool:
    panel["gridPos"]["x"] += 1
    return True


def _blank(panel: Json, _: random.Random) -> bool:
    panel["description"] = ""
    return True


MISTAKES: Mapping[str, Change] = {
    "a letter of a metric lost": _sub(r"\b([a-z]+_[a-z_]+[a-z])([a-z])(?=\{)", r"\1"),
    "a label in `by` misspelt": _sub(r"\bby \((\w+)", r"by (\1s"),
    "a label in `by` lost": _sub(r"\bby \(\w+, ", "by ("),
    "by everything": _sub(r" by \([^)]*\)", ""),
    "the environment not selected": _sub(r'environment=~"\$environment"(, )?', ""),
    "the environment by =": _sub(r'environment=~"\$environment"', 'environment="$environment"'),
    "a variable by =": _sub(r'=~("\$(?!environment)\w+")', r"=\1"),
    "no rate": _sub(r"\brate\(([^()\[\]]*)\[\$__rate_interval\]\)", r"\1"),
    "a fixed window": _sub(r"\[\$__rate_interval\]", "[5m]"),
    "a rate of a gauge": _sub(
        r"(?<!rate\()(?<!increase\()\b([a-z_]+(?:bytes|units|skus|depth|_seconds)\{[^}]*\})",
        r"rate(\1[$__rate_interval])",
    ),
    "95 for 0.95": _sub(r"quantile\(0\.95", "quantile(95"),
    "a quantile of another name": _sub(r"quantile\(0\.95", "quantile(0.5"),
    "buckets without le": _sub(r"by \(le, ", "by ("),
    "_bucket as _count": _sub(r"_bucket\{", "_count{"),
    "group_left lost": _sub(r" group_left \([^)]*\)", ""),
    "on another label": _sub(r"\bon \((\w+)", r"on (\1_x"),
    "a product for a quotient": _sub(r" / (?=[a-z(])", " * "),
    "a factor lost": _sub(r" \* 60\b", ""),
    "a factor too many": _sub(r"^(.*)$", r"(\1) * 1000"),
    "a parenthesis lost": _sub(r"\)(?=[^)]*$)", ""),
    "an age the wrong way round": _sub(r"time\(\) - ((?:max|min)[^()]*\([^()]*\)|[a-z_]+\{[^}]*\})", r"\1 - time()"),
    "a moment for an age": _sub(r"time\(\) - ", ""),
    "another unit": _value("unit", _UNITS),
    "an unknown unit": _value("unit", None, "things"),
    "no thresholds": _value("thresholds", None, {"mode": "absolute", "steps": []}),
    "thresholds that don't ascend": _thresholds,
    "a legend of another label": _legend,
    "a dead link": _links(r"/d/peakproof-[\w-]+", "/d/peakproof-gone"),
    "a link without time": _links(r"\$\{__url_time_range\}&", ""),
    "a link with another variable": _links(r"var-\w+=", "var-gone="),
    "a link with another label": _links(r"labels\.\w+", "labels.gone"),
    "a column of no field": _column,
    "no description": _blank,
    "moved by one column": _moved,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A mistake made in a panel, and whether a finding named that panel."""

    mistake: str
    board: str
    panel: str
    found: bool


def tried(boards: Mapping[str, Json], most: int, seed: int = 1) -> Iterator[Tried]:
    """Yield each kind of mistake, made at up to `most` places of the boards."""
    chance = random.Random(seed)  # noqa: S311 - places to try, no secrets
    for mistake, change in MISTAKES.items():
        places = [(name, at) for name, board in boards.items() for at in range(len(list(panels(board))))]
        chance.shuffle(places)
        yield from _sampled(mistake, change, boards, places, most, chance)


def _sampled(
    mistake: str,
    change: Change,
    boards: Mapping[str, Json],
    places: Sequence[tuple[str, int]],
    most: int,
    chance: random.Random,
) -> Iterator[Tried]:
    made = 0
    for name, at in places:
        if made == most:
            return
        board: Json = json.loads(json.dumps(boards[name]))
        panel = list(panels(board))[at]
        if change(panel, chance):
            made += 1
            findings = [*check(board), *among(name, {**boards, name: board})]
            where = {panel["title"]} | (
                {other["title"] for other in panels(board)} if mistake.startswith("moved") else set()
            )
            found = any(finding.where in where for finding in findings)
            yield Tried(mistake=mistake, board=name, panel=panel["title"], found=found)
