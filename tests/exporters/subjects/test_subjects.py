"""Each subject's values as Prometheus reads them, and what is refused."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from exporters.serving.scrape import ScrapeCollector, Scraper, Subject
from exporters.serving.source import AdminSource, Deadline, Unreadable
from exporters.subjects import loadgen, orders, stock
from loadtests.results import live_document
from slo.documents import BadInput
from tests.exporters.fakes import FUNNEL, LIVE, STOCK, TOKEN, Samples, Shop, samples, shop_admin

Change = Callable[[Any], object]


def far() -> Deadline:
    return Deadline(at=30.0, clock=lambda: 0.0)


def scraped(subject: Subject[Any]) -> Samples:
    registry = CollectorRegistry()
    scraper = Scraper(subject, clock=lambda: 0.0)
    ScrapeCollector(scraper.health, scraper.begin(far()), registry)
    return samples(generate_latest(registry).decode())


@pytest.fixture
def shop() -> Iterator[Shop]:
    with shop_admin() as shop:
        yield shop


def source(shop: Shop, **changes: Any) -> AdminSource:
    return AdminSource(**{"url": shop.url, "token": TOKEN, **changes})


def write_live(run: Path, value: object) -> None:
    (run / "live.json").write_text(json.dumps(value))


def test_loadgen_exports_what_live_json_says(tmp_path: Path) -> None:
    write_live(tmp_path, LIVE)
    assert scraped(loadgen.subject(lambda: tmp_path)) == {
        ("loadgen_exporter_up", "live.json"): 1,
        ("loadtest_planned_sessions_per_second",): 11.5,
        ("loadtest_planned_sessions_total",): 300,
        ("loadtest_sessions_started_total",): 290,
        ("loadtest_sessions_dropped_total",): 6,
        ("loadtest_open_sessions",): 42,
        ("loadtest_scheduling_lag_p99_seconds",): 0.004,
        ("loadtest_generator_cpu_ratio",): 0.4,
        ("loadtest_plan_factor",): 1.1,
        ("loadtest_snapshot_timestamp_seconds",): 1_700_000_000.5,
        ("loadtest_requests_total", "checkout"): 210,
        ("loadtest_request_errors_total", "http_5xx", "checkout"): 3,
        ("loadtest_request_errors_total", "timeout", "checkout"): 2,
        ("loadtest_response_seconds_bucket", "0.1", "checkout"): 100,
        ("loadtest_response_seconds_bucket", "0.25", "checkout"): 150,
        ("loadtest_response_seconds_bucket", "1.0", "checkout"): 200,
        ("loadtest_response_seconds_bucket", "+Inf", "checkout"): 210,
        ("loadtest_response_seconds_sum", "checkout"): 33.5,
        ("loadtest_response_seconds_count", "checkout"): 210,
        ("loadtest_orders_total", "accepted"): 200,
        ("loadtest_orders_total", "refused"): 9,
        ("loadtest_orders_total", "unknown"): 1,
        ("loadtest_objective_requests", "checkout"): 210,
        ("loadtest_objective_bad_requests", "checkout"): 5,
    }


def test_what_the_load_generator_does_not_know_is_absent(tmp_path: Path) -> None:
    write_live(tmp_path, {**LIVE, "generator_cpu": None, "lag_s": {"p99": None}, "steps": {}})
    found = {name for name, *_ in scraped(loadgen.subject(lambda: tmp_path))}
    assert (
        found & {"loadtest_generator_cpu_ratio", "loadtest_scheduling_lag_p99_seconds", "loadtest_requests_total"}
        == set()
    )


def test_a_step_that_vanishes_from_live_json_vanishes_from_the_metrics(tmp_path: Path) -> None:
    subject = loadgen.subject(lambda: tmp_path)
    write_live(tmp_path, LIVE)
    assert ("loadtest_requests_total", "checkout") in scraped(subject)
    write_live(tmp_path, {**LIVE, "steps": {}})
    assert ("loadtest_requests_total", "checkout") not in scraped(subject)


def test_a_run_that_has_not_started_is_down(tmp_path: Path) -> None:
    assert scraped(loadgen.subject(lambda: tmp_path)) == {("loadgen_exporter_up", "live.json"): 0}


def test_latest_is_the_run_with_the_newest_time_in_its_name(tmp_path: Path) -> None:
    for name in ("20261127T090000Z-a-ffff", "20261127T100000Z-a-0000", "zz-not-a-run"):
        (tmp_path / name).mkdir()
    (tmp_path / "20261128T100000Z-a-file").touch()
    assert loadgen.latest_run(tmp_path) == tmp_path / "20261127T100000Z-a-0000"


def test_without_a_run_there_is_no_latest_one(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=rf"^{tmp_path}: no run yet$"):
        loadgen.latest_run(tmp_path)
    with pytest.raises(Unreadable, match=r"can't be read: No such file or directory$"):
        loadgen.latest_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda live: live.update(dropped_total=-1),
            "dropped_total: Input should be greater than or equal to 0, found -1",
        ),
        (lambda live: live.update(dropped_total="6"), "dropped_total: Input should be a valid integer, found '6'"),
        (lambda live: live.update(dropped_total=True), "dropped_total: Input should be a valid integer, found True"),
        (lambda live: live.update(dropped_total=2**70), None),
        (lambda live: live.update(format="peakproof/live/v2"), None),
        (lambda live: live.pop("steps"), "steps: required and missing"),
        (
            lambda live: live["steps"].update({"x" * 129: live["steps"]["checkout"]}),
            "the name of a step or error has 129 characters, allowed are 1 to 128",
        ),
        (
            lambda live: live["errors"]["by_step"]["checkout"].update({"": 1}),
            "the name of a step or error has 0 characters, allowed are 1 to 128",
        ),
        (lambda live: live["steps"]["checkout"]["latency"]["buckets"].update(soon=1), None),
        (lambda live: live["steps"]["checkout"]["latency"]["buckets"].update({"1.0": 1}), None),
        (lambda live: live["steps"]["checkout"]["latency"]["buckets"].update({"nan": 1}), None),
    ],
)
def test_a_malformed_snapshot_is_refused(tmp_path: Path, change: Change, message: str | None) -> None:
    live = copy.deepcopy(LIVE)
    change(live)
    write_live(tmp_path, live)
    with pytest.raises(Unreadable) as refused:
        loadgen.read_snapshot(tmp_path)
    if message is not None:
        assert str(refused.value) == f"{tmp_path}/live.json: {message}"
    assert scraped(loadgen.subject(lambda: tmp_path)) == {("loadgen_exporter_up", "live.json"): 0}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": NaN}', "\xff", " " * (live_document.MAX_BYTES + 1)])
def test_a_snapshot_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "live.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Unreadable, match=r"live\.json: "):
        loadgen.read_snapshot(tmp_path)


@pytest.mark.parametrize("buckets", [{"0.1": 5, "1": 4}, {"0.1": 211}, {"+Inf": 1}])
def test_a_histogram_whose_counts_fall_makes_the_subject_down(tmp_path: Path, buckets: dict[str, int]) -> None:
    live = copy.deepcopy(LIVE)
    live["steps"]["checkout"]["latency"]["buckets"] = buckets  # type: ignore[index]
    write_live(tmp_path, live)
    assert scraped(loadgen.subject(lambda: tmp_path)) == {("loadgen_exporter_up", "live.json"): 0}


def test_a_snapshot_with_too_many_series_is_refused(tmp_path: Path) -> None:
    by_step = {f"s{n}": {f"r{m}": 1 for m in range(200)} for n in range(101)}
    write_live(tmp_path, {**LIVE, "errors": {"total": 20200, "per_s": 0.0, "by_step": by_step}})
    with pytest.raises(Unreadable, match=r"20209 series, more than the 20000 allowed$"):
        loadgen.read_snapshot(tmp_path)


def test_stock_is_exported_by_sku_and_location_below_zero_too(shop: Shop) -> None:
    shop.says(STOCK)
    assert scraped(stock.subject(source(shop))) == {
        ("stock_exporter_up", "shop"): 1,
        ("shop_stock_units", "warehouse", "tee-M-black"): 12,
        ("shop_stock_units", "store-leeds", "tee-M-black"): -1,
    }


def test_a_sku_that_vanishes_from_the_shop_vanishes_from_the_metrics(shop: Shop) -> None:
    subject = stock.subject(source(shop))
    shop.says(STOCK)
    assert len(scraped(subject)) == 3
    shop.says({**STOCK, "stock": []})
    assert scraped(subject) == {("stock_exporter_up", "shop"): 1}


def test_orders_are_exported_as_the_shop_counts_them_even_when_it_starts_again(shop: Shop) -> None:
    subject = orders.subject(source(shop))
    shop.says(FUNNEL)
    found = scraped(subject)
    expected: Samples = {
        ("orders_exporter_up", "shop"): 1,
        **{("shop_funnel_sessions_total", step): n for step, n in FUNNEL["funnel"].items()},
        **{("shop_orders_total", status): n for status, n in FUNNEL["orders"].items()},
        **{("shop_order_locations_total", place): n for place, n in FUNNEL["orders_by_location"].items()},
    }
    assert found == expected
    shop.says({**FUNNEL, "orders": {"accepted": 0}})
    assert scraped(subject)["shop_orders_total", "accepted"] == 0


@pytest.mark.parametrize(
    ("stock_says", "message"),
    [
        ([], "expected a mapping at the top, found list"),
        ({**STOCK, "stock": [{"sku": "a", "location": "b", "quantity": 1.5}]}, None),
        ({**STOCK, "stock": [{"sku": "a", "location": "b", "quantity": None}]}, None),
        ({**STOCK, "stock": [{"sku": "", "location": "b", "quantity": 1}]},
         "stock[0]: expected names of 1 to 128 characters and a quantity up to 2^53"),
        ({**STOCK, "stock": [{"sku": "a", "location": "b" * 129, "quantity": 1}]},
         "stock[0]: expected names of 1 to 128 characters and a quantity up to 2^53"),
        ({**STOCK, "stock": [{"sku": "a", "location": "b", "quantity": -(1 << 54)}]},
         "stock[0]: expected names of 1 to 128 characters and a quantity up to 2^53"),
        ({**STOCK, "stock": [{"sku": "a", "location": "b", "quantity": "1"}]}, None),
        ({"taken_at": 1, "stock": []}, "format: required and missing"),
        ({**STOCK, "format": "peakproof/stock/v2"}, None),
        ({**STOCK, "stock": {"a": 1}}, None),
        ({**STOCK, "stock": [STOCK["stock"][0]] * 2}, "the same SKU and location twice"),  # type: ignore[index]
        ({**STOCK, "stock": [{"sku": f"s{n}", "location": "b", "quantity": 1} for n in range(11)]},
         "11 series, more than the 10 allowed"),
    ],
)  # fmt: skip
def test_a_malformed_stock_is_refused(shop: Shop, stock_says: object, message: str | None) -> None:
    shop.says(stock_says)
    with pytest.raises(Unreadable) as refused:
        stock.read_stock(source(shop), far(), max_series=10)
    if message is not None:
        assert str(refused.value) == f"{shop.url}: {message}"
    assert scraped(stock.subject(source(shop), max_series=10)) == {("stock_exporter_up", "shop"): 0}


@pytest.mark.parametrize("orders_say", [{"accepted": -1}, {"accepted": 0.5}, {"accepted": "1"}, {"": 1}, [1]])
def test_a_malformed_funnel_is_refused(shop: Shop, orders_say: object) -> None:
    shop.says({**FUNNEL, "orders": orders_say})
    assert scraped(orders.subject(source(shop))) == {("orders_exporter_up", "shop"): 0}


def test_a_funnel_with_too_many_series_is_refused(shop: Shop) -> None:
    shop.says({**FUNNEL, "orders": {f"o{n}": n for n in range(1000)}})
    with pytest.raises(Unreadable, match=r"1008 series, more than the 1000 allowed$"):
        orders.read_funnel(source(shop), far())


def test_a_wrong_token_is_told_without_the_token(shop: Shop) -> None:
    with pytest.raises(Unreadable, match=rf"^{shop.url}: answered 401, expected 200$"):
        source(shop, token="another").read(far())


@pytest.mark.parametrize("status", [204, 302, 500])
def test_another_status_than_200_is_refused_and_no_redirect_followed(shop: Shop, status: int) -> None:
    shop.status, shop.headers = status, {"Location": shop.url + "/elsewhere", "Content-Length": "0"}
    shop.body = b""
    with pytest.raises(Unreadable, match=rf": answered {status}, expected 200$"):
        source(shop).read(far())
    assert shop.asked == ["/admin"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": NaN}', b'{"a": 1', b"[" * 5000, b'"\xff"'])
def test_an_answer_that_is_not_json_is_refused(shop: Shop, body: bytes) -> None:
    shop.body = body
    with pytest.raises(Unreadable, match=r": not JSON: "):
        source(shop).read(far())


def test_an_answer_larger_than_allowed_is_refused(shop: Shop) -> None:
    shop.body = b" " * 1001
    with pytest.raises(Unreadable, match=r": answer larger than the 1000 bytes allowed$"):
        source(shop, max_bytes=1000).read(far())


def test_an_answer_cut_short_is_refused(shop: Shop) -> None:
    shop.body, shop.declared_length = b"{}", 10
    shop.headers = {"Connection": "close"}
    with pytest.raises(Unreadable, match=r": (no whole answer: \w+|no whole answer within the deadline)$"):
        source(shop).read(Deadline(at=0.3, clock=lambda: 0.0))


def test_an_encoding_that_was_not_asked_for_is_refused(shop: Shop) -> None:
    shop.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(Unreadable, match=r": answered with an encoding that was not asked for$"):
        source(shop).read(far())


def test_an_answer_that_drips_past_the_deadline_is_refused(shop: Shop) -> None:
    shop.drip, shop.declared_length = True, 1 << 20
    with pytest.raises(Unreadable, match=r": no whole answer within the deadline$"):
        source(shop).read(Deadline(at=Deadline(at=0).clock() + 0.2))


def test_a_shop_that_does_not_answer_in_time_is_refused(shop: Shop) -> None:
    shop.gate.clear()
    with pytest.raises(Unreadable, match=r": no whole answer within the deadline$"):
        source(shop).read(Deadline(at=0.05, clock=lambda: 0.0))


def test_a_shop_that_is_not_there_is_refused(shop: Shop) -> None:
    del shop
    with shop_admin() as gone:
        url = gone.url
    with pytest.raises(Unreadable, match=rf"^{url}: no whole answer: ConnectionError$"):
        AdminSource(url=url, token=TOKEN).read(far())


def test_a_token_no_header_can_carry_is_refused_without_being_told() -> None:
    with pytest.raises(BadInput) as refused:
        AdminSource(url="http://user:pw@h/admin?x=1", token="se\ncret")
    assert str(refused.value) == "http://h/admin: the token holds a character that a header can't carry"


def test_a_source_never_shows_its_token() -> None:
    assert TOKEN not in repr(AdminSource(url="http://h/", token=TOKEN))
