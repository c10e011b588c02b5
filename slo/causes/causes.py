"""What grew: the change of self time on the critical path between two sets of traces, ranked, with an interval.

Each trace gives one self time (0 when it has none) and one number of calls for each (service, span name); a trace is
one independent witness. The growth of the mean has Welch's interval: the two sets have different sizes and spreads,
the sizes are at least 20, and it costs nothing, where a bootstrap over 2,000 traces and 30 spans takes seconds. It is
Bonferroni's over the names that occur, so that noise names a cause in at most 5 % of reports. The selected traces
are all of the steps' in the window and not the slow ones alone: picking by the outcome would make anything grow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

from slo.causes.critical_path import SHOPPER, Span, root_of, self_times
from slo.findings import Finding, Severity
from slo.objectives.indicators import Window
from slo.statistics import ALPHA

MIN_TRACES = 20
MAX_CAUSES = 5
_EXAMPLES = 3
_MAX_NAMES = 500
_OTHERS = ("?", "spans of rarer names")
_WORTH_TELLING = 0.02
_NS = 1_000_000_000
Key = tuple[str, str]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One (service, span name) whose self time grew; means over traces, `grew_low_s` to `grew_high_s` its interval."""

    objective: str
    service: str
    span: str
    calls_per_trace_before: float
    calls_per_trace_now: float
    self_s_before: float
    self_s_now: float
    grew_s: float
    grew_low_s: float
    grew_high_s: float
    traces_before: int
    traces_now: int
    example_trace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The causes of one objective's miss, largest first, and in `note` why there are none."""

    causes: tuple[Cause, ...]
    note: Finding | None = None


def traces_of_requests(requests: pa.Table, steps: Iterable[str], window: Window) -> frozenset[str]:
    """Return the trace ids of the recorded requests of `steps` scheduled in `window`; needs no client span."""
    at = requests["scheduled_at"]
    inside = pc.and_(pc.greater_equal(at, window.starts_at), pc.less(at, window.ends_at))
    mask = pc.and_(inside, pc.is_in(requests["step"], pa.array(sorted(steps), pa.string())))
    return frozenset(requests.filter(mask)["trace_id"].to_pylist()) - {None, ""}


def traces_of_roots(spans: pa.Table, names: Iterable[str], window: Window) -> frozenset[str]:
    """Return the ids of traces whose root span has one of `names` and started in `window`.

    The root is the client's span (named by step) or, where only a service's spans exist, its topmost one
    (named like `POST /checkout`).
    """
    wanted = frozenset(names)
    traces, keys = _traces(spans, None)
    shoppers = _shoppers(keys)
    found = []
    for trace_id, members in traces.items():
        root = root_of(members, shoppers)
        if root is not None and keys[root.key][1] in wanted and window.starts_at <= root.started_at < window.ends_at:
            found.append(trace_id)
    return frozenset(found)


def explain(objective: str, spans: pa.Table, before: frozenset[str], now: frozenset[str]) -> Explained:
    """Compare the traces `before` (the reference) with those of `now` and rank what grew.

    Fewer than 20 traces on a side, or nothing that grew beyond doubt, is a note and no cause.
    """
    traces, keys = _traces(spans, before | now)
    shoppers = _shoppers(keys)
    first = _measure({name: traces[name] for name in before if name in traces}, len(keys), shoppers)
    second = _measure({name: traces[name] for name in now - before if name in traces}, len(keys), shoppers)
    if min(len(first.ids), len(second.ids)) < MIN_TRACES:
        counts = f"{len(first.ids)} traces of the reference and {len(second.ids)} of the judged window"
        return Explained(
            causes=(), note=_note(objective, f"too few traces to tell what grew: {counts}, 20 of each needed")
        )
    causes = _rank(objective, keys, first, second)
    if not causes:
        return Explained(causes=(), note=_note(objective, "no span grew beyond doubt since the reference phase"))
    return Explained(causes=causes)


def _note(objective: str, message: str) -> Finding:
    return Finding(kind="cause", severity=Severity.NOTE, subject=objective, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Self seconds and calls, one row a trace and one column a key; `duration_s` of the roots."""

    ids: tuple[str, ...]
    self_s: Floats
    calls: Floats
    duration_s: Floats


def _traces(spans: pa.Table, wanted: frozenset[str] | None) -> tuple[dict[str, list[Span]], tuple[Key, ...]]:
    if wanted is not None:
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


def _measure(traces: Mapping[str, list[Span]], width: int, shoppers: frozenset[int]) -> _Measured:
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
    return _Measured(ids=tuple(ids), self_s=self_s[:rows], calls=calls[:rows], duration_s=duration_s[:rows])


def _rank(objective: str, keys: Sequence[Key], first: _Measured, second: _Measured) -> tuple[Cause, ...]:
    grew = second.self_s.mean(axis=0) - first.self_s.mean(axis=0)
    half = _half_width(first.self_s, second.self_s)
    floor = _WORTH_TELLING * float(second.duration_s.mean())
    sure = [key for key in range(len(keys)) if grew[key] - half[key] > 0 and grew[key] >= floor]
    ranked = sorted(sure, key=lambda key: (-grew[key], keys[key]))[:MAX_CAUSES]
    return tuple(
        Cause(
            objective=objective,
            service=keys[key][0],
            span=keys[key][1],
            calls_per_trace_before=float(first.calls[:, key].mean()),
            calls_per_trace_now=float(second.calls[:, key].mean()),
            self_s_before=float(first.self_s[:, key].mean()),
            self_s_now=float(second.self_s[:, key].mean()),
            grew_s=float(grew[key]),
            grew_low_s=float(grew[key] - half[key]),
            grew_high_s=float(grew[key] + half[key]),
            traces_before=len(first.ids),
            traces_now=len(second.ids),
            example_trace_ids=_examples(second, key),
        )
        for key in ranked
    )


def _half_width(first: Floats | npt.NDArray[np.float64], second: Floats) -> Floats:
    """Half of Welch's two-sided interval, column by column, Bonferroni's over the columns."""
    one, two = first.var(axis=0, ddof=1) / len(first), second.var(axis=0, ddof=1) / len(second)
    both = one + two
    spread = np.where(both > 0, both, 1.0)
    freedom = spread**2 / (one**2 / (len(first) - 1) + two**2 / (len(second) - 1) + np.where(both > 0, 0.0, 1.0))
    quantile = stdtrit(np.maximum(freedom, 1.0), 1 - ALPHA / 2 / first.shape[1])
    return np.asarray(quantile * np.sqrt(both), dtype=np.float64)


def _examples(measured: _Measured, key: int) -> tuple[str, ...]:
    """Return the slowest traces in which the key spent any time."""
    slowest = np.argsort(-measured.duration_s, kind="stable")
    return tuple(measured.ids[row] for row in slowest if measured.self_s[row, key] > 0)[:_EXAMPLES]
