"""Counters are read at two moments: restarts and newborn series count, a gap is no data."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from slo.objectives.indicators import Availability, Evidence, Latency, Window
from slo.objectives.selectors import parse_selector
from slo.objectives.sources import Counters
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000
WINDOW = Window(starts_at=100 * SECOND, ends_at=200 * SECOND)
NONE = RequestTable(table=pa.table({}))
Samples = Mapping[int, float]
TOTAL, GOOD = 'x_count{job="shop"}', 'x_count{job="shop",code!~"5.."}'
SOURCE = Counters(good=parse_selector(GOOD), total=parse_selector(TOTAL))
SCHEMA = pa.schema(
    [
        ("query", pa.string()),
        ("kind", pa.string()),
        ("asked_from", pa.int64()),
        ("asked_to", pa.int64()),
        ("labels", pa.string()),
        ("at", pa.list_(pa.int64())),
        ("value", pa.list_(pa.float64())),
    ]
)


def _row(
    query: str, samples: Samples, *, asked_from: int = 50, asked_to: int = 200, kind: str = "raw", **labels: str
) -> dict[str, object]:
    return {
        "query": query,
        "kind": kind,
        "asked_from": asked_from * SECOND,
        "asked_to": asked_to * SECOND,
        "labels": json.dumps({"__name__": "x_count", "job": "shop", "instance": "a", "code": "200", **labels}),
        "at": [at * SECOND for at in samples],
        "value": list(samples.values()),
    }


def _every(start: int, end: int, per_s: float, first: float = 0.0) -> dict[int, float]:
    return {at: first + (at - start) * per_s for at in range(start, end + 1)}


def _read(*rows: dict[str, object], source: Counters = SOURCE) -> Evidence:
    return Availability(source=source).read(NONE, pa.Table.from_pylist(list(rows), SCHEMA), WINDOW, 0.99)


def _both(samples: Samples, *, instance: str = "a") -> list[dict[str, object]]:
    return [_row(TOTAL, samples, instance=instance), _row(GOOD, samples, instance=instance)]


def _told(evidence: Evidence) -> Sequence[object]:
    return evidence.events, evidence.bad, evidence.no_data


def test_what_grew_between_the_edges_is_counted() -> None:
    fine, errors = _every(80, 200, 2, 1000), _every(80, 200, 1, 7)
    evidence = _read(*_both(fine), _row(TOTAL, errors, code="500"))
    assert _told(evidence) == (300, 100, None)
    assert evidence.counts[0].events == (15,) * 20
    assert evidence.counts[0].bad == (5,) * 20


def test_a_restart_counts_from_zero() -> None:
    samples = {**_every(80, 150, 1, 500), **_every(151, 200, 1, 3)}
    assert _told(_read(*_both(samples))) == (50 + 52, 0, None)


def test_a_series_born_in_the_window_counts_its_first_value() -> None:
    """`increase()` would lose it: here, the first error is the only one."""
    evidence = _read(*_both(_every(80, 200, 1)), _row(TOTAL, {150: 1.0, 200: 1.0}, code="500"))
    assert _told(evidence) == (101, 1, None)


def test_a_good_series_that_is_born_between_scrapes_outgrows_no_total_of_another_metric() -> None:
    """Scrapes are 15 s apart and blocks 5 s: what it first counts belongs to all three of them, as in the total."""
    total = {at: 2.0 * at for at in range(75, 211, 15)}
    always, born = {at: at / 1.0 for at in total}, {at: at - 135.0 for at in total if at >= 150}
    evidence = _read(_row(TOTAL, total, __name__="x_all"), _row(GOOD, always, code="200"), _row(GOOD, born, code="201"))
    assert _told(evidence) == (200, 35, None)
    assert evidence.counts[0].bad == (5,) * 7 + (0,) * 13


def _started(at: float, *, name: str = "process_start_time_seconds", code: str = "200") -> dict[str, object]:
    return _row(f'{name}{{job="shop"}}', {150: at}, instance="b", __name__=name, code=code)


@pytest.mark.parametrize("name", ["process_start_time_seconds", "x_created"])
def test_a_replica_whose_process_started_in_the_window_counts_from_zero(name: str) -> None:
    born = _both(_every(150, 200, 1), instance="b")
    assert _told(_read(*_both(_every(80, 200, 1)), *born, _started(145.5, name=name))) == (150, 0, None)


@pytest.mark.parametrize("name", ["process_start_time_seconds", "x_created"])
def test_a_replica_that_was_only_not_scraped_does_not_count_its_past(name: str) -> None:
    """GATE §2.3: 5,000,000 old good requests diluted the bad ones; a series born in the window is no birth of it."""
    late = [_row(query, _every(150, 200, 1, 5_000_000), instance="b") for query in (TOTAL, GOOD)]
    rows = (*_both(_every(80, 200, 1)), *late, _started(40, name=name), _started(155, name="x_created", code="500"))
    what = f"{TOTAL} of b has its first sample inside the judged window, but its process started 60 s before"
    assert _told(_read(*rows)) == (0, 0, f"{what}: a scrape gap")


def test_a_replica_that_was_not_scraped_and_restarts_later_does_not_count_its_past() -> None:
    """The start that counts is that of the process which the first sample is of, and not the last one."""
    samples = {**_every(120, 149, 1, 5_000_000), **_every(151, 200, 1)}
    starts = {at: 10.0 if at < 150 else 150.0 for at in samples}
    name = "process_start_time_seconds"
    started = _row(f'{name}{{job="shop"}}', starts, instance="b", __name__=name)
    evidence = _read(*_both(_every(80, 200, 1)), *_both(samples, instance="b"), started)
    what = f"{TOTAL} of b has its first sample inside the judged window, but its process started 90 s before"
    assert _told(evidence) == (0, 0, f"{what}: a scrape gap")


def test_a_replica_that_was_idle_before_it_restarted_counts_from_zero() -> None:
    name = "process_start_time_seconds"
    started = _row(f'{name}{{job="shop"}}', {90: 10.0, 140: 10.0, 150: 145.5}, instance="b", __name__=name)
    born = _both(_every(150, 200, 1), instance="b")
    assert _told(_read(*_both(_every(80, 200, 1)), *born, started)) == (150, 0, None)


def test_a_replica_of_which_no_start_is_known_is_no_data() -> None:
    evidence = _read(*_both(_every(80, 200, 1)), *_both(_every(150, 200, 1), instance="b"))
    why = "neither process_start_time_seconds nor a _created series says that its process started there"
    what = f"{TOTAL} of b has its first sample inside the judged window"
    assert _told(evidence) == (0, 0, f"{what}, and {why}: its past would count")


def test_what_failed_after_the_last_scrape_before_the_end_is_counted() -> None:
    """GATE §2.2: scraped each 15 s; of 5 a second all fail from 186 on, 14 s before the window's end."""
    at = (75, 90, 105, 120, 135, 150, 165, 180, 195, 210)
    rows = [
        _row(TOTAL, {one: 5.0 * one for one in at}, asked_to=215),
        _row(GOOD, {one: 5.0 * min(one, 186) for one in at}, asked_to=215),
    ]
    evidence = _read(*rows)
    assert _told(evidence) == (500, 70, None)


def test_what_failed_before_the_start_is_not_counted() -> None:
    at = range(75, 211, 15)
    rows = [_row(TOTAL, {one: 5.0 * one for one in at}), _row(GOOD, {one: 5.0 * max(one, 100) for one in at})]
    assert _told(_read(*rows))[:2] == (500, 17)  # the line through 90 and 105 gives a third of its 50 to the window


def test_a_window_s_end_that_no_later_sample_covers_is_no_data() -> None:
    at = range(75, 196, 15)
    rows = [_row(query, {one: 5.0 * one for one in at}) for query in (TOTAL, GOOD)]
    what = f"{TOTAL} of a has no sample in the 15 s after it, so the 5 s before the judged window's end"
    assert _told(_read(*rows)) == (0, 0, f"{what} are in no sample")


def test_no_good_series_means_no_good_event_when_the_total_is_there() -> None:
    assert _told(_read(_row(TOTAL, _every(80, 200, 1), code="500"), _row(GOOD, {}))) == (100, 100, None)


def test_a_total_without_series_is_no_data() -> None:
    told = _told(_read(_row(TOTAL, {}), _row(GOOD, {})))
    reason = f"{TOTAL} has no samples: no traffic, the scrape down, or the metric renamed"
    assert told == (0, 0, reason)


def test_a_query_that_was_never_asked_is_no_data() -> None:
    assert _told(_read()) == (0, 0, f"the run stored no raw answer to {TOTAL}")
    assert _told(_read(_row(TOTAL, _every(80, 200, 1)))) == (0, 0, f"the run stored no raw answer to {GOOD}")


def test_a_range_answer_is_not_taken_for_raw_samples() -> None:
    rows = [_row(query, _every(80, 200, 1), kind="range") for query in (TOTAL, GOOD)]
    assert _told(_read(*rows)) == (0, 0, f"the run stored no raw answer to {TOTAL}")


def test_an_answer_that_starts_too_late_is_no_data() -> None:
    """Else every series would look newborn, and its whole past would count."""
    rows = [_row(query, _every(86, 200, 1), asked_from=86) for query in (TOTAL, GOOD)]
    reason = f"the stored answer to {TOTAL} does not cover the judged window and 15 s before it"
    assert _told(_read(*rows)) == (0, 0, reason)


def test_a_scrape_gap_at_the_start_is_no_data() -> None:
    samples = {60: 1.0, **_every(150, 200, 1, 100)}
    reason = f"{TOTAL} of a has no sample in the 40 s before the judged window's start: a scrape gap"
    assert _told(_read(*_both(samples))) == (0, 0, reason)


def test_a_scrape_gap_at_the_end_is_no_data() -> None:
    reason = f"{TOTAL} of a has no sample in the 20 s before the judged window's end: a scrape gap"
    assert _told(_read(*_both(_every(80, 180, 1)))) == (0, 0, reason)


def test_one_replica_with_a_gap_is_enough_for_no_data() -> None:
    reason = f"{TOTAL} of b has no sample in the 80 s before the judged window's end: a scrape gap"
    evidence = _read(*_both(_every(80, 200, 1)), *_both(_every(80, 120, 1), instance="b"))
    assert _told(evidence) == (0, 0, reason)


def test_a_replica_gone_before_the_window_does_not_matter() -> None:
    evidence = _read(*_both(_every(80, 200, 1)), *_both(_every(50, 70, 1), instance="b"))
    assert _told(evidence) == (100, 0, None)


def test_a_series_that_ends_while_its_replica_is_scraped_counts_to_its_last_sample() -> None:
    evidence = _read(*_both(_every(80, 200, 1)), _row(TOTAL, _every(80, 120, 1), code="500"))
    assert _told(evidence) == (120, 20, None)


def test_everything_born_in_the_window_is_no_data() -> None:
    reason = f"{TOTAL} has no sample within 15 s before the judged window's start"
    assert _told(_read(*_both(_every(120, 200, 1)))) == (0, 0, reason)


def test_a_counter_that_stands_still_is_no_data() -> None:
    reason = f"{TOTAL} counted nothing in the judged window"
    assert _told(_read(*_both(_every(80, 200, 0, 9)))) == (0, 0, reason)


def test_good_that_outgrows_total_is_no_data() -> None:
    reason = f"{GOOD} grew more than {TOTAL}: good is not a part of total"
    evidence = _read(_row(TOTAL, _every(80, 200, 1)), _row(GOOD, _every(80, 200, 2)))
    assert _told(evidence) == (0, 0, reason)


def test_a_label_that_was_renamed_is_no_data_and_not_all_good() -> None:
    source = Counters(good=parse_selector('x_count{status!~"5.."}'), total=parse_selector(TOTAL))
    samples = _every(80, 200, 1)
    evidence = _read(_row(TOTAL, samples), _row(source.good.text, samples), source=source)
    assert _told(evidence) == (0, 0, "x_count has no label status: renamed, or never exported")


def test_a_bucket_that_does_not_exist_is_no_data_and_not_all_bad() -> None:
    source = Counters(good=parse_selector('x_bucket{le="0.3"}'), total=parse_selector(TOTAL))
    rows = [_row(TOTAL, _every(80, 200, 1)), _row(source.good.text, {})]
    answers = pa.Table.from_pylist(rows, SCHEMA)
    evidence = Latency(source=source, threshold_s=0.3).read(NONE, answers, WINDOW, 0.95)
    assert _told(evidence) == (0, 0, 'x_bucket has no bucket le="0.3": renamed, or never exported')


def test_values_that_are_not_numbers_are_not_samples() -> None:
    samples = {**_every(80, 200, 1), 140: float("nan")}
    assert _told(_read(*_both(samples))) == (100, 0, None)


@pytest.mark.parametrize("text", ['x_total{a="b\\"c"}', 'x_total{a="b",}', "x_total{}"])
def test_a_selector_may_hold_quotes_a_last_comma_and_nothing(text: str) -> None:
    assert parse_selector(text).metric == "x_total"
