"""Missing data never passes: no series, a gap, NaN and stale series, of each source and each kind of objective.

Each case has its control: the same objective with all of its data is shown met, and with bad data is not.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from loadtests.results.schemas import ANSWERS
from slo.objectives.evaluated import evaluations
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Availability, Evidence, Threshold, Window
from slo.objectives.objective import Objective
from slo.objectives.selectors import parse_selector
from slo.objectives.slices import Slices
from slo.objectives.sources import Counters, CounterSums, Queries, Readings, Records
from slo.verdict.objective_results import Basis, judge_objectives
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000
HOUR = Window(starts_at=1_000 * SECOND, ends_at=4_600 * SECOND)
NO_REQUESTS = RequestTable(table=pa.table({}))
TOTAL, GOOD, BAD, OTHER = 'a_total{job="shop"}', 'a_total{job="shop",code!="500"}', "b_total", "c_total"
SOURCES: dict[str, Availability | Threshold] = {
    "good and total": Availability(source=Counters(good=parse_selector(GOOD), total=parse_selector(TOTAL))),
    "bad and a sum": Availability(
        source=CounterSums(
            part=(parse_selector(BAD),), part_is="bad", total=(parse_selector(TOTAL), parse_selector(OTHER))
        )
    ),
    "good of two": Availability(
        source=CounterSums(
            part=(parse_selector(OTHER), parse_selector(GOOD)),
            part_is="good",
            total=(parse_selector(TOTAL), parse_selector(OTHER)),
        )
    ),
    "evaluated ratio": Availability(source=Queries(part="ratio", part_is="good", total=None)),
    "evaluated bad and total": Availability(source=Queries(part="bad", part_is="bad", total="all")),
    "samples under a limit": Threshold(source=Readings(query="gauge", op="lte", value=0.5)),
    "answers under a limit": Threshold(source=Readings(query="max(gauge)", op="lt", value=0.5)),
}
METHODS: dict[str, Slices | None] = {
    "Occurrences": None,
    "Timeslices": Slices(method="Timeslices", length_s=60, target=0.9),
    "RatioTimeslices": Slices(method="RatioTimeslices", length_s=60),
}
CASES = [(source, method) for source in SOURCES for method in METHODS]
# What each query answers a second, of a healthy shop and of a broken one.
COUNTERS: Mapping[str, float] = {TOTAL: 10.0, GOOD: 10.0, BAD: 0.0, OTHER: 5.0}
BROKEN: Mapping[str, float] = {TOTAL: 10.0, GOOD: 2.0, BAD: 8.0, OTHER: 5.0}
VALUES: Mapping[str, float] = {"ratio": 1.0, "bad": 0.0, "all": 10.0, "gauge": 0.1, "max(gauge)": 0.1}
BROKEN_VALUES: Mapping[str, float] = {"ratio": 0.2, "bad": 8.0, "all": 10.0, "gauge": 0.9, "max(gauge)": 0.9}
Samples = list[tuple[int, float]]
Damage = Callable[[Samples], Samples]


def objective(source: str, method: str) -> Objective:
    """Return an objective of 80 %, which an hour of slices can show."""
    return Objective(
        name="one",
        display_name="One",
        description="",
        service="shop",
        indicator=SOURCES[source],
        target=0.8,
        window="28d",
        slices=METHODS[method],
    )


def _row(query: str, kind: str, samples: Samples, span: tuple[int, int]) -> dict[str, object]:
    labels = {"job": "shop", "instance": "a", "code": "200", "__name__": query.split("{", maxsplit=1)[0]}
    return {
        "query": query,
        "kind": kind,
        "asked_from": span[0],
        "asked_to": span[1],
        "labels": json.dumps(labels),
        "at": [at for at, _ in samples],
        "value": [value for _, value in samples],
    }


def answers(one: Objective, counters: Mapping[str, float], values: Mapping[str, float], damage: Damage) -> pa.Table:
    """Return what a run would have stored for an objective, `damage`d."""
    span = HOUR.starts_at - 30 * SECOND, HOUR.ends_at + 15 * SECOND
    rows = []
    for selector in one.indicator.selectors():
        at = range(span[0], span[1] + 1, 5 * SECOND)
        rate = counters.get(selector)
        samples = [(t, values[selector] if rate is None else 7 + rate * (t - span[0]) / SECOND) for t in at]
        rows.append(_row(selector, "raw", damage(samples), span))
    for asked in evaluations(one.indicator.source, one.slices, HOUR):
        moments = [asked.tiles.first + asked.tiles.length * place for place in range(asked.tiles.number)]
        samples = [(t, values[asked.query]) for t in moments]
        rows.append(_row(asked.query, "range", damage(samples), (asked.tiles.first, asked.tiles.last)))
    return pa.Table.from_pylist(rows, ANSWERS)


def outcome(one: Objective, evidence: Evidence) -> str:
    """Return what an objective is judged to be."""
    basis = Basis(assumed_error_burst_s=0.1, window_s=HOUR.duration_s)
    return judge_objectives([one], {one.name: evidence}, {}, basis)[0].outcome


def judged(one: Objective, table: pa.Table) -> str:
    """Return the outcome of an objective from stored answers."""
    return outcome(one, read_evidence(one, NO_REQUESTS, table, HOUR))


def _whole(samples: Samples) -> Samples:
    return samples


def _stale(samples: Samples) -> Samples:
    return [(at, value) for at, value in samples if at < HOUR.starts_at + 1_800 * SECOND]


def _nan(samples: Samples) -> Samples:
    return [(at, float("nan")) for at, _ in samples]


def _gap(samples: Samples) -> Samples:
    """Lose the quarter of an hour at the end, where a counter's increase would be lost as well."""
    return [(at, value) for at, value in samples if at < HOUR.starts_at + 2_700 * SECOND or at > HOUR.ends_at]


def _late(samples: Samples) -> Samples:
    return [(at, value) for at, value in samples if at > HOUR.starts_at + 1_000 * SECOND]


MISSING: dict[str, Damage] = {
    "no series": lambda _: [],
    "a gap": _gap,
    "NaN": _nan,
    "stale": _stale,
    "not there at first": _late,
}


@pytest.mark.parametrize(("source", "method"), CASES)
def test_all_data_of_a_healthy_shop_is_met(source: str, method: str) -> None:
    """The control: without it, a reader that never finds data would pass the cases below."""
    one = objective(source, method)
    assert judged(one, answers(one, COUNTERS, VALUES, _whole)) == "met"


@pytest.mark.parametrize(("source", "method"), CASES)
def test_all_data_of_a_broken_shop_is_missed(source: str, method: str) -> None:
    one = objective(source, method)
    assert judged(one, answers(one, BROKEN, BROKEN_VALUES, _whole)) == "missed"


@pytest.mark.parametrize("damage", MISSING)
@pytest.mark.parametrize(("source", "method"), CASES)
def test_missing_data_never_passes(source: str, method: str, damage: str) -> None:
    one = objective(source, method)
    assert judged(one, answers(one, COUNTERS, VALUES, MISSING[damage])) == "no_data"


@pytest.mark.parametrize(("source", "method"), CASES)
def test_each_query_that_is_missing_by_itself_never_passes(source: str, method: str) -> None:
    """A counter of errors that is gone would make every request good."""
    one = objective(source, method)
    table = answers(one, COUNTERS, VALUES, _whole)
    for query in set(table["query"].to_pylist()):
        rows = [row for row in table.to_pylist() if row["query"] != query]
        empty = [{**row, "at": [], "value": []} for row in table.to_pylist() if row["query"] == query]
        for left in (rows, [*rows, *empty]):
            assert judged(one, pa.Table.from_pylist(left, ANSWERS)) != "met"


@pytest.mark.parametrize(("source", "method"), [case for case in CASES if "evaluated" in case[0]])
def test_a_query_that_prometheus_refused_tells_why(source: str, method: str) -> None:
    one = objective(source, method)
    rows = [{**row, "at": [], "value": [], "error": "Prometheus refuses it: 422"} for row in _stored(one)]
    evidence = read_evidence(one, NO_REQUESTS, pa.Table.from_pylist(rows, ANSWERS), HOUR)
    assert evidence.no_data == "Prometheus refuses it: 422"


def _stored(one: Objective) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = answers(one, COUNTERS, VALUES, _whole).to_pylist()
    return rows


def test_several_series_are_no_answer() -> None:
    one = objective("evaluated ratio", "Occurrences")
    rows = _stored(one) * 2
    evidence = read_evidence(one, NO_REQUESTS, pa.Table.from_pylist(rows, ANSWERS), HOUR)
    assert evidence.no_data == "Prometheus answered ratio with 2 series, one is needed: put sum() around it"


def test_a_percentage_is_no_ratio() -> None:
    one = objective("evaluated ratio", "Occurrences")
    table = answers(one, COUNTERS, {**VALUES, "ratio": 99.2}, _whole)
    evidence = read_evidence(one, NO_REQUESTS, table, HOUR)
    assert evidence.no_data == "Prometheus answered ratio with 99.2, which is no ratio from 0 to 1"


def test_a_metric_that_falls_as_a_gauge_does_is_no_counter() -> None:
    """Its name says nothing, and the document calls it a counter: read as one it would count each fall as a restart."""
    healthy = objective("good and total", "Occurrences")
    good, total = (dataclasses.replace(parse_selector(one), metric="hits") for one in (GOOD, TOTAL))
    gauge = Counters(good=good, total=total)
    table = answers(healthy, COUNTERS, VALUES, lambda samples: [(at, value % 100) for at, value in samples])
    indicator = Availability(source=gauge)
    falls = indicator.read(NO_REQUESTS, table, HOUR, 0.8).no_data
    assert falls is not None
    assert "falls" in falls


def test_too_few_slices_say_how_many_are_needed() -> None:
    one = objective("good and total", "Timeslices")
    short = Window(starts_at=HOUR.starts_at, ends_at=HOUR.starts_at + 200 * SECOND)
    evidence = read_evidence(one, NO_REQUESTS, answers(one, COUNTERS, VALUES, _whole), short)
    assert (evidence.events, evidence.events_are) == (3, "slices of 60 s")
    (result,) = judge_objectives([one], {"one": evidence}, {}, Basis(assumed_error_burst_s=0.1, window_s=200.0))
    assert result.outcome == "undecided"
    assert result.needs is not None
    assert "slices of 60 s at this ratio would show it met" in result.needs


def _requests(bad_from_s: int, number: int = 3_600) -> RequestTable:
    """Return a request a second, of which those from a moment on fail."""
    at = [HOUR.starts_at + place * SECOND for place in range(number)]
    columns = {
        "session": list(range(number)),
        "step": ["checkout"] * number,
        "scheduled_at": at,
        "sent_at": at,
        "finished_at": [one + SECOND // 10 for one in at],
        "error": ["http_5xx" if place >= bad_from_s else None for place in range(number)],
    }
    return RequestTable(table=pa.table(columns, schema=REQUEST))


REQUEST = pa.schema(
    [
        ("session", pa.int64()),
        ("step", pa.string()),
        ("scheduled_at", pa.int64()),
        ("sent_at", pa.int64()),
        ("finished_at", pa.int64()),
        ("error", pa.string()),
    ]
)


@pytest.mark.parametrize("method", ["Timeslices", "RatioTimeslices"])
@pytest.mark.parametrize(
    ("bad_from_s", "number", "expected"), [(3_600, 3_600, "met"), (1_800, 3_600, "missed"), (3_600, 2_000, "no_data")]
)
def test_slices_of_the_load_generators_own_requests(method: str, bad_from_s: int, number: int, expected: str) -> None:
    """The last has no request in the second half: a slice without an event is not good."""
    records = Availability(source=Records(steps=("checkout",)))
    one = dataclasses.replace(objective("good and total", method), indicator=records)
    evidence = read_evidence(one, _requests(bad_from_s, number), pa.table({}), HOUR)
    assert outcome(one, evidence) == expected
