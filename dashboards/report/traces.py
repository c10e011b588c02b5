"""The slowest requests with their spans, laid out as waterfalls: where one shopper's waiting went.

Sibling spans of the same name share a row, so a query in a loop shows as one line of many bars.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboards.formatting import plain, seconds
from dashboards.report.records_query import SECOND_NS, Row, Store

MAX_ROWS = 18
MAX_BARS = 200
MAX_DEPTH = 8
WIDTH = 1000
_MAX_NAME = 80
_MAX_ATTRIBUTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span in a waterfall of `WIDTH` units; `hint` is shown when pointed at."""

    x: float
    width: float
    hint: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a waterfall: spans of one name below one parent."""

    service: str
    name: str
    depth: int
    colour: int
    total_s: float
    bars: Sequence[Bar]
    spans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One slow request; `lines` is empty where its spans were not recorded."""

    trace_id: str
    step: str
    at: int
    response_s: float
    waited_s: float
    status: int
    error: str | None
    lines: Sequence[Line]
    hidden_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    started_at: int
    ended_at: int
    status: str
    attributes: str


def slowest(store: Store, number: int = 10) -> list[Trace]:
    """Return the slowest judged requests with their waterfalls, at most four of a step, slowest first."""
    requests = store.slowest(number)
    spans: dict[str, list[_Span]] = {}
    for trace_id, *rest in store.spans_of([row[6] for row in requests]):
        spans.setdefault(trace_id, []).append(_Span(**dict(zip(_Span.__slots__, rest, strict=True))))
    return [_trace(row, spans.get(row[6], [])) for row in requests]


def _trace(row: Row, spans: Sequence[_Span]) -> Trace:
    step, scheduled_at, sent_at, finished_at, status, error, trace_id = row
    starts_at = min([scheduled_at, *(span.started_at for span in spans)])
    ends_at = max([finished_at, *(span.ended_at for span in spans)])
    scale = WIDTH / max(1, ends_at - starts_at)
    lines = _lines(spans, starts_at, scale)
    kept = sorted(sorted(lines, key=lambda line: -line[1].total_s)[:MAX_ROWS], key=lambda line: line[0])
    return Trace(
        trace_id=trace_id,
        step=step,
        at=scheduled_at,
        response_s=(finished_at - scheduled_at) / SECOND_NS,
        waited_s=max(0, sent_at - scheduled_at) / SECOND_NS,
        status=status,
        error=error,
        lines=[line for _, line in kept],
        hidden_lines=len(lines) - len(kept),
    )


def _lines(spans: Sequence[_Span], starts_at: int, scale: float) -> list[tuple[int, Line]]:
    """Return each row with its place: parents before children, siblings in the order they began."""
    services = list(dict.fromkeys(span.service for span in spans))
    groups: dict[tuple[str, str, str], list[_Span]] = {}
    for span in spans:
        groups.setdefault((span.parent_id, span.service, span.name), []).append(span)
    lines = []
    for place, (depth, members) in enumerate(_depth_first(groups)):
        first = members[0]
        line = Line(
            service=first.service,
            name=plain(first.name, _MAX_NAME),
            depth=depth,
            colour=services.index(first.service) % 6 + 1,
            total_s=sum(span.ended_at - span.started_at for span in members) / SECOND_NS,
            bars=[_bar(span, starts_at, scale) for span in members[:MAX_BARS]],
            spans=len(members),
        )
        lines.append((place, line))
    return lines


def _depth_first(groups: dict[tuple[str, str, str], list[_Span]]) -> Iterable[tuple[int, list[_Span]]]:
    """Yield groups with their depth from the roots down; spans in a circle or without their parent count as roots."""
    ids = {span.span_id for members in groups.values() for span in members}
    children: dict[str, list[list[_Span]]] = {}
    for (parent, _, _), members in groups.items():
        children.setdefault(parent if parent in ids else "", []).append(members)
    seen: set[int] = set()
    pending = [(0, members) for members in reversed(children.get("", []))]
    pending = [(0, members) for members in reversed(list(groups.values()))] + pending  # circles come last
    while pending:
        depth, members = pending.pop()
        if id(members) in seen:
            continue
        seen.add(id(members))
        yield min(depth, MAX_DEPTH), members
        below = [group for span in members for group in children.get(span.span_id, []) if span.span_id]
        pending += [(depth + 1, group) for group in reversed(below)]


def _bar(span: _Span, starts_at: int, scale: float) -> Bar:
    took_s = (span.ended_at - span.started_at) / SECOND_NS
    hint = [f"{span.service}: {span.name}", f"{seconds(took_s)}, {span.kind}", *_attributes(span)]
    return Bar(
        x=round(max(0, span.started_at - starts_at) * scale, 1),
        width=round(max(2.0, (span.ended_at - span.started_at) * scale), 1),
        hint=plain("\n".join(hint), 600),
        failed=span.status == "error",
    )


def _attributes(span: _Span) -> list[str]:
    try:
        attributes = json.loads(span.attributes or "{}")
    except (ValueError, RecursionError):
        return []
    if not isinstance(attributes, dict):
        return []
    return [f"{key} = {plain(str(value), _MAX_NAME)}" for key, value in list(attributes.items())[:_MAX_ATTRIBUTES]]
