"""Writing a plan's `visits` into the text of its file: everything else of it stays as it is, byte for byte."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from loadtests.demand.plan import Plan, Visits
from slo.documents import BadInput, parse_yaml, validate

_PLAIN = re.compile(r"[A-Za-z_][\w.-]*")
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def with_visits(text: str, visits: Mapping[str, Visits], path: str = "plan.yaml") -> str:
    """Return the text of a plan with `visits` in the place of its own; raises BadInput for one that can't be edited."""
    block = visits_block(visits).splitlines()
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    spans = _spans(text)
    if "journeys" not in spans:
        raise _uneditable(path, block)
    start, end = spans.get("visits", (spans["journeys"][1],) * 2)
    edited = newline.join([*lines[:start], *block, *lines[end:]])
    try:
        before, after = (_parsed(one, path) for one in (text, edited))
    except (BadInput, yaml.YAMLError, ValueError) as error:
        raise _uneditable(path, block) from error
    if after != before.model_copy(update={"visits": after.visits}) or after.visits != visits:
        raise _uneditable(path, block)
    return edited


def visits_block(visits: Mapping[str, Visits]) -> str:
    """Return `visits:` as it stands in a plan."""
    lines = ["visits:"]
    for journey, one in visits.items():
        steps = ", ".join(f"{_scalar(step)}: {_number(times)}" for step, times in one.steps.items())
        orders = f", orders: {_number(one.orders)}" if one.orders else ""
        lines.append(f"  {_scalar(journey)}: {{steps: {{{steps}}}{orders}}}")
    return "\n".join(lines) + "\n"


def _spans(text: str) -> dict[str, tuple[int, int]]:
    """Return the lines of each key of the top: from its own to the last of its value, comments after it left out."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return {}
    lines = text.splitlines()
    found: dict[str, tuple[int, int]] = {}
    for key, value in root.value:
        end = value.end_mark.line + (1 if value.end_mark.column else 0)
        while end > key.start_mark.line + 1 and _is_empty(lines[end - 1]):
            end -= 1
        found[str(key.value)] = key.start_mark.line, end
    return found


def _is_empty(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _parsed(text: str, path: str) -> Plan:
    return validate(parse_yaml(text, Path(path)), Plan, path)


def _uneditable(path: str, block: list[str]) -> BadInput:
    shown = "\n".join(block)
    return BadInput(f"{path}: can't be edited as it is laid out; put this in the place of its visits:\n{shown}")


def _scalar(text: str) -> str:
    """Return a name as YAML reads it as a text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(value: float) -> str:
    return f"{value:.10g}"
