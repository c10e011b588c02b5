"""The evidence of an objective, from wherever its events are: records, sessions, counters, or evaluated queries."""

from collections.abc import Sequence

import pyarrow as pa

from slo.objectives.counted import counted
from slo.objectives.counters import NoData
from slo.objectives.evaluated import read_evaluated, read_threshold
from slo.objectives.indicators import Asked, Evidence, RequestRecords, Threshold, Window
from slo.objectives.journeys import read_sessions
from slo.objectives.objective import Objective
from slo.objectives.slices import Slice, Slices, sliced
from slo.objectives.sources import Counters, CounterSums, Queries, Sessions


def read_evidence(objective: Objective, requests: RequestRecords, answers: pa.Table, window: Window) -> Evidence:
    """Read the evidence of an objective in `window`; what is missing is its `no_data`."""
    source = objective.indicator.source
    if isinstance(source, Sessions):
        return read_sessions(source, requests, window)
    try:
        return _read(objective, requests, answers, window)
    except NoData as reason:
        return Evidence(no_data=str(reason))


def _read(objective: Objective, requests: RequestRecords, answers: pa.Table, window: Window) -> Evidence:
    indicator, slices, budget = objective.indicator, objective.slices, objective.budget
    if isinstance(indicator, Threshold):
        return read_threshold(indicator, slices, budget, answers, window)
    if isinstance(indicator.source, Queries):
        return read_evaluated(indicator.source, slices, budget, answers, window)
    if slices is None:
        return indicator.read(requests, answers, window, objective.target)
    asked = indicator.asked(objective.target)
    if asked is not None:
        return sliced(slices, _of_records(asked, slices, requests, window), budget)
    if not isinstance(indicator.source, Counters | CounterSums):
        raise TypeError(f"a source of {indicator.source.kind} has no slices")
    found = counted(indicator.source, answers, (window.starts_at, window.ends_at), slices.edges(window))
    pairs = zip(found.events.tolist(), found.bad.tolist(), strict=True)
    return sliced(slices, [Slice(events=events, bad=bad) for events, bad in pairs], budget)


def _of_records(asked: Asked, slices: Slices, requests: RequestRecords, window: Window) -> Sequence[Slice]:
    slices.edges(window)
    return [
        Slice(events=one.events, bad=one.bad)
        for one in (requests.evidence_of_part(asked, part) for part in slices.windows(window))
    ]
