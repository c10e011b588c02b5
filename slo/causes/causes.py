"""What grew: the change of self time on the critical path between two sets of traces, ranked, with a lower bound.

Each trace gives one self time (0 when it has none) and one number of calls for each (service, span name), and belongs
to the 10 s block in which its request was due. The traces are all of the steps' and not the slow ones alone: picking
by the outcome would make anything grow. Both sides must have been played at the same level, for load makes self times
grow as well: the caller sees to that.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slo.causes.blocks import BLOCK_NS, BLOCK_S, MIN_BLOCKS, blocks_in
from slo.causes.comparison import Floats, Ints, Side, compare
from slo.causes.critical_path import SHOPPER, Span, root_of, self_times
from slo.findings import Finding, Severity
from slo.formatting import seconds
from slo.objectives.indicators import TracedRequests, Window

MIN_TRACES = 20
MAX_CAUSES = 5
_EXAMPLES = 3
_MAX_NAMES = 500
_OTHERS = ("?", "spans of rarer names")
_NS = 1_000_000_000
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What the two sides are called, and since when something grew."""

    before: str
    now: str
    since: str


REFERENCE = Sides(before="the reference", now="the judged window", since="since the reference phase")
RELEASES = Sides(before="A", now="B", since="from A to B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One (service, span name) whose self time grew by `grew_low_s` at least (95 %, for all causes at once).

    Means are over traces, of self times winsorised; `p_value` is adjusted for the number of names.
    """

    objective: str
    service: str
    span: str
    calls_per_trace_before: float
    calls_per_trace_now: float
    self_s_before: float
    self_s_now: float
    grew_s: float
    grew_low_s: float
    p_value: float
    traces_before: int
    traces_now: int
    blocks_before: int
    blocks_now: int
    example_trace_ids: tuple[str, ...]

    def in_words(self, steps: Sequence[str]) -> str:
        """Return what grew and by how much, of an objective about `steps`."""
        each = f"a {steps[0]}" if len(steps) == 1 else "a request"
        calls = f"{self.calls_per_trace_before:.3g} → {self.calls_per_trace_now:.3g} calls"
        return f'{self.service} "{self.span}" +{seconds(self.grew_s)} {each} ({calls})'


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The causes of one objective's miss, largest first, and in `note` why there are none."""

    causes: tuple[Cause, ...]
    note: Finding | None = None


def blocks_of_requests(requests: TracedRequests, steps: Iterable[str], windows: Sequence[Window]) -> dict[str, int]:
    """Return the block, numbered over all windows, of each trace of a request of `steps` that was due in one.

    Only whole blocks count; the windows are in order; needs no client span.
    """
    starts = np.array([block.starts_at for block in blocks_in(windows)], dtype=np.int64)
    if not len(starts):
        return {}
    asked = requests.traced(steps, Window(starts_at=windows[0].starts_at, ends_at=windows[-1].ends_at))
    at = asked["scheduled_at"].to_numpy()
    number = np.searchsorted(starts, at, side="right") - 1
    inside = (number >= 0) & (at - starts[number] < BLOCK_NS)
    traces = asked["trace_id"].filter(pa.array(inside)).to_pylist()
    return {trace: int(block) for trace, block in zip(traces, number[inside], strict=True) if trace}


def explain(
    objective: str,
    spans: pa.Table,
    before: Mapping[str, int],
    now: Mapping[str, int],
    sides: Sides = REFERENCE,
) -> Explained:
    """Compare the traces `before` (the reference) with those of `now`, each with its block, and rank what grew.

    `sides` are what notes call the two. Fewer than 20 traces or 4 blocks on a side, or nothing that grew beyond doubt,
    is a note and no cause.
    """
    traces, keys = _traces(spans, before.keys() | now.keys())
    shoppers = _shoppers(keys)
    first = _measure(_chosen(traces, before), before, len(keys), shoppers)
    second = _measure(_chosen(traces, {name: now[name] for name in now.keys() - before}), now, len(keys), shoppers)
    if why_not := _too_few(first, second, sides):
        return Explained(causes=(), note=_note(objective, why_not))
    causes = _rank(objective, keys, first, second)
    if not causes:
        return Explained(causes=(), note=_note(objective, f"no span grew beyond doubt {sides.since}"))
    return Explained(causes=causes)


def _chosen(traces: Mapping[str, list[Span]], names: Iterable[str]) -> dict[str, list[Span]]:
    return {name: traces[name] for name in sorted(names) if name in traces}


def _too_few(first: "_Measured", second: "_Measured", sides: Sides) -> str | None:
    if min(len(first.ids), len(second.ids)) < MIN_TRACES:
        counts = f"{len(first.ids)} traces of {sides.before} and {len(second.ids)} of {sides.now}"
        return f"too few traces to tell what grew: {counts}, {MIN_TRACES} of each needed"
    if min(first.blocks, second.blocks) < MIN_BLOCKS:
        counts = f"{first.blocks} of {sides.before} and {second.blocks} of {sides.now} hold traces"
        return f"too few blocks to name a cause: {counts}, {MIN_BLOCKS} of {BLOCK_S} s needed on either side"
    return None


def _note(objective: str, message: str) -> Finding:
    return Finding(kind="cause", severity=Severity.NOTE, subject=objective, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Self seconds and calls, one row a trace and one column a key; `duration_s` of the roots, `block` of each."""

    ids: tuple[str, ...]
    block: Ints
    self_s: Floats
    calls: Floats
    duration_s: Floats

    @property
    def side(self) -> Side:
        """Return what is compared."""
        return Side(self_s=self.self_s, block=self.block)

    @property
    def blocks(self) -> int:
        """How many blocks hold a trace."""
        return len(np.unique(self.block))


def _traces(spans: pa.Table, wanted: AbstractSet[str]) -> tuple[dict[str, list[Span]], tuple[Key, ...]]:
    spans = spans.filter(pc.is_in(spans["trace_id"], pa.array(sorted(wanted), pa.string())))
    names: dict[Key, int] = {}
    traces: dict[str, list[Span]] = {}
    columns = ("trace_id", "span_id", "parent_id", "service", "name", "started_at", "ended_at")
    for trace_id, span_id, parent_id, service, name, start, end in zip(
        *(spans[column].to_pylist() for column in columns), strict=True
    ):
        name_key = (service, name) if (service, name) in names or len(names) < _MAX_NAMES else _OTHERS
        key = names.setdefault(name_key, len(names))
        traces.setdefault(trace_id, []).append(Span(span_id, parent_id, key, start, end))
    return traces, tuple(names)


def _shoppers(keys: Sequence[Key]) -> frozenset[int]:
    return frozenset(number for number, (service, _) in enumerate(keys) if service == SHOPPER)


def _measure(
    traces: Mapping[str, list[Span]], block: Mapping[str, int], width: int, shoppers: frozenset[int]
) -> _Measured:
    ids: list[str] = []
    self_s, calls = np.zeros((len(traces), width)), np.zeros((len(traces), width))
    duration_s = np.zeros(len(traces))
    for trace_id, spans in traces.items():
        root = root_of(spans, shoppers)
        if root is None:
            continue
        row = len(ids)
        ids.append(trace_id)
        for key, spent in self_times(root, spans).items():
            self_s[row, key] = spent / _NS
        for span in spans:
            calls[row, span.key] += 1
        duration_s[row] = (root.ended_at - root.started_at) / _NS
    rows = len(ids)
    return _Measured(
        ids=tuple(ids),
        block=np.array([block[trace_id] for trace_id in ids], dtype=np.int64),
        self_s=self_s[:rows],
        calls=calls[:rows],
        duration_s=duration_s[:rows],
    )


def _rank(objective: str, keys: Sequence[Key], first: _Measured, second: _Measured) -> tuple[Cause, ...]:
    found = compare(first.side, second.side, float(second.duration_s.mean()))
    grew = found.growth
    ranked = sorted(np.flatnonzero(found.named).tolist(), key=lambda key: (-grew.grew_s[key], keys[key]))[:MAX_CAUSES]
    return tuple(
        Cause(
            objective=objective,
            service=keys[key][0],
            span=keys[key][1],
            calls_per_trace_before=float(first.calls[:, key].mean()),
            calls_per_trace_now=float(second.calls[:, key].mean()),
            self_s_before=float(found.before_s[key]),
            self_s_now=float(found.now_s[key]),
            grew_s=float(grew.grew_s[key]),
            grew_low_s=float(grew.low_s[key]),
            p_value=float(grew.p_value[key]),
            traces_before=len(first.ids),
            traces_now=len(second.ids),
            blocks_before=first.blocks,
            blocks_now=second.blocks,
            example_trace_ids=_examples(second, key),
        )
        for key in ranked
    )


def _examples(measured: _Measured, key: int) -> tuple[str, ...]:
    """Return the slowest traces in which the key spent any time."""
    slowest = np.argsort(-measured.duration_s, kind="stable")
    return tuple(measured.ids[row] for row in slowest if measured.self_s[row, key] > 0)[:_EXAMPLES]
