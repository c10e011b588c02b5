"""The report says what the run's records hold: figures on the page are computed here a second time."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboards.formatting import count, percent, seconds
from dashboards.report import write_report
from dashboards.report.records_query import Store, orders_per_bin
from dashboards.report.run_files import read
from slo.documents import BadInput
from tests.dashboards.made import SECOND, STEPS, Made
from tests.dashboards.page import Read, dead_links, read_page
from tests.dashboards.synthetic import make


@pytest.fixture(scope="module")
def page(failed: Made) -> Read:
    return read_page(write_report(failed.path))


def responses(made: Made, step: str) -> list[float]:
    return [
        (request["finished_at"] - request["scheduled_at"]) / SECOND
        for request in made.judged_requests()
        if request["step"] == step
    ]


@pytest.mark.parametrize("step", STEPS)
def test_the_table_of_steps_holds_the_quantiles_of_the_records(failed: Made, page: Read, step: str) -> None:
    times = responses(failed, step)
    quantiles = [float(np.quantile(times, ratio, method="inverted_cdf")) for ratio in (0.5, 0.95, 0.99)]
    row = " ".join([step, count(len(times)), *map(seconds, quantiles)])
    assert row in page.text


def test_errors_by_step_are_those_of_the_records(failed: Made, page: Read) -> None:
    judged = [request for request in failed.judged_requests() if request["step"] == "checkout"]
    bad = sum(request["error"] is not None for request in judged)
    assert bad > 0
    assert f"{count(bad)} {percent(bad / len(judged))} {count(bad)}" in page.text


def test_the_judged_errors_stand_at_the_top(failed: Made, page: Read) -> None:
    judged = failed.judged_requests()
    bad = sum(request["error"] is not None for request in judged)
    assert f"Errors {percent(bad / len(judged))} {count(bad)} of {count(len(judged))} judged requests" in page.text


def test_what_is_left_out_of_the_steps_is_said(failed: Made, page: Read) -> None:
    outside = len(failed.requests) - len(failed.judged_requests())
    assert f"Judged time only; {count(outside)} requests outside it are left out here." in page.text
    assert "Left out of judging: reference 310, warm-up 96, drain 41 requests." in page.text


def test_the_outcome_its_reason_and_the_exit_code_come_first(page: Read) -> None:
    about = "release 2026.47.0 on staging (replicas 2, database sqlite, cache cold)"
    start = page.text.index(f"✕ FAIL {about} checkout answers in time for too few shoppers")
    assert start < page.text.index("exit code 99") < page.text.index("Why") < page.text.index("Objectives")


@pytest.mark.parametrize("outcome", ["PASS", "INCONCLUSIVE"])
def test_every_outcome_has_its_word_and_no_dead_link(tmp_path: Path, outcome: str) -> None:
    page = read_page(write_report(make(tmp_path, outcome).path))
    assert f"{outcome} " in page.text
    assert "NOT JUDGED" not in page.text
    assert dead_links(page) == []


def test_sections_stand_in_their_order(page: Read) -> None:
    ids = [element.attributes["id"] for element in page.elements if element.tag == "section" and element.attributes]
    assert [name for name in ids if name] == [
        "findings",
        "objectives",
        "felt",
        "latency",
        "steps",
        "distribution",
        "causes",
        "traces",
        "audit",
        "orders",
        "load",
        "generator",
        "servers",
        "plan",
        "provenance",
    ]


def test_an_objective_shows_limit_events_and_bounds(failed: Made, page: Read) -> None:
    times = responses(failed, "checkout")
    bad = sum(value > 1.5 for value in times)
    assert f"{count(bad)} of {count(len(times))}" in page.text
    low, high = bad / len(times) * 0.8, bad / len(times) * 1.3 + 0.002
    assert f"{percent(low)} to {percent(high)} allowed 5 %" in page.text


def test_broken_promises_are_shown_with_examples(page: Read) -> None:
    assert "broken paid once One order was charged twice. 1 broken of 560 checked" in page.text
    assert "captured twice: pay-881 and pay-902" in page.text
    audit = page.text[page.text.index("Audit: does every promise hold?") :]
    assert audit.index("broken") < audit.index("holds")


def test_the_cause_is_shown_before_and_now(page: Read) -> None:
    assert "SELECT stock shop, for checkout-latency 48 ms 610 ms 562 ms at least 510 ms 1 12" in page.text


def test_the_slowest_trace_comes_first_and_repeated_spans_share_a_row(failed: Made, page: Read) -> None:
    slow = max(failed.judged_requests(), key=lambda r: r["finished_at"] - r["scheduled_at"])
    traces = page.text[page.text.index("Slowest requests") :]
    first = traces.index(slow["trace_id"])
    assert traces.index(seconds((slow["finished_at"] - slow["scheduled_at"]) / SECOND)) < first
    assert "SELECT stock ×12" in traces


def test_at_most_ten_traces_and_four_of_a_step(failed: Made) -> None:
    store = Store(read(failed.path))
    steps = Counter(row[0] for row in store.slowest())
    store.close()
    assert sum(steps.values()) == 10
    assert max(steps.values()) == 4


def test_the_slowest_are_the_slowest_of_each_step_that_have_spans(failed: Made) -> None:
    store = Store(read(failed.path))
    found = [row[6] for row in store.slowest(number=1000, per_step=2)]
    store.close()
    traced = {span["trace_id"] for span in failed.spans}
    by_step: dict[str, list[dict[str, Any]]] = {}
    for request in failed.judged_requests():
        if request["trace_id"] in traced and request["error"] != "cut_off":
            by_step.setdefault(request["step"], []).append(request)

    def place(request: dict[str, Any]) -> tuple[int, str]:
        return request["scheduled_at"] - request["finished_at"], request["trace_id"]

    expected = sorted((one for of_step in by_step.values() for one in sorted(of_step, key=place)[:2]), key=place)
    assert found == [one["trace_id"] for one in expected]


def test_requests_per_bin_are_those_sent_in_it_and_those_of_them_in_error(failed: Made) -> None:
    store = Store(read(failed.path))
    sent, bad = store.requests_per_bin()
    start, width = store.time.starts_at, store.time.bin_s * SECOND
    store.close()
    bins = Counter((one["sent_at"] - start) // width for one in failed.requests)
    errors = Counter((one["sent_at"] - start) // width for one in failed.requests if one["error"])
    assert sent == [bins[index] for index in range(len(sent))]
    assert bad == [errors[index] for index in range(len(bad))]
    assert 0 < sum(bad) < sum(sent)


def test_sessions_per_bin_add_up_to_the_account(failed: Made) -> None:
    store = Store(read(failed.path))
    assert sum(store.per_bin("sessions", "scheduled_at")) == len(failed.sessions)
    assert sum(store.per_bin("requests", "sent_at")) == len(failed.requests)
    store.close()


def test_latency_per_bin_is_that_of_the_requests_due_in_it(failed: Made) -> None:
    store = Store(read(failed.path))
    time = store.time_for(["checkout"])
    bins = {one.index: one for one in store.latency_per_bin(["checkout"], time)}
    store.close()
    index = next(iter(bins))
    since = time.starts_at + index * time.bin_s * SECOND
    times = [
        (r["finished_at"] - r["scheduled_at"]) / SECOND
        for r in failed.requests
        if r["step"] == "checkout" and since <= r["scheduled_at"] < since + time.bin_s * SECOND
    ]
    quantiles = bins[index].quantiles_s
    assert bins[index].requests == len(times)
    assert quantiles is not None
    assert quantiles[1] == pytest.approx(np.quantile(times, 0.95, method="inverted_cdf"))


def test_the_distribution_holds_every_judged_request_once(failed: Made) -> None:
    store = Store(read(failed.path))
    counted = store.distribution([])
    store.close()
    assert sum(number for _, number in counted) == len(failed.judged_requests())


def test_orders_are_the_ledgers_and_a_torn_last_line_is_passed_over(failed: Made) -> None:
    reading = read(failed.path)
    store = Store(reading)
    orders = orders_per_bin(reading.directory.ledgers(), store.time, reading.gaps)
    store.close()
    checkouts = sum(request["step"] == "checkout" for request in failed.requests)
    assert sum(sum(numbers) for numbers in orders.values()) == checkouts
    assert set(orders) == {"accepted", "refused", "unknown"}


def test_server_metrics_are_drawn_from_the_stored_answers(page: Read) -> None:
    assert "Prometheus' answers, stored while the run was on: 34 queries, 1 without data." in page.text
    assert "Latency p95 of the shop" in page.text


def test_provenance_names_seed_versions_fingerprint_and_hashes(page: Read) -> None:
    for said in ("20261127 started", "locust 2.47.0", "cache cold", "objectives/checkout.yaml", "plan.yaml"):
        assert said in page.text


def test_nothing_is_loaded_and_nothing_can_run(page: Read) -> None:
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form", "use"})
    for element in page.elements:
        assert element.attributes.keys().isdisjoint({"src", "xlink:href", "action", "srcset", "data"})
        assert [key for key in element.attributes if key.startswith("on")] == []
    assert "url(" not in page.styles
    assert "@import" not in page.styles


def test_a_strict_policy_stands_in_the_page(page: Read) -> None:
    policies = [e.attributes["content"] for e in page.elements if "http-equiv" in e.attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_every_id_on_the_page_is_its_own(page: Read) -> None:
    ids = Counter(element.attributes["id"] for element in page.elements if element.attributes.get("id"))
    assert [name for name, number in ids.items() if number > 1] == []


def test_charts_take_their_colours_from_the_page(page: Read) -> None:
    inks = {e.attributes["stroke"] for e in page.elements if e.tag == "path" and "stroke" in e.attributes}
    assert inks
    assert [ink for ink in inks if not ink.startswith("var(--")] == []


@pytest.mark.usefixtures("drawn_anew")
def test_the_page_is_the_same_for_the_same_run(failed: Made) -> None:
    first = write_report(failed.path).read_bytes()
    assert write_report(failed.path).read_bytes() == first
    assert [path.name for path in failed.path.iterdir() if "tmp" in path.name] == []


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere: not a run directory$"):
        write_report(tmp_path / "nowhere")
