"""The exporters over HTTP, as Prometheus and people see them."""

import base64
import gzip
import re
import threading
from collections.abc import Iterator

import pytest
import requests
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from exporters.serving.http_server import CantListen
from exporters.serving.pages import MOST_ASKED, Pages, Query, QueryPage, Server, budget_s, serve
from exporters.serving.scrape import Subject, of_one_source
from exporters.serving.source import AdminSource, Deadline
from exporters.subjects import orders, stock
from slo.documents import BadInput
from tests.exporters.fakes import FUNNEL, STOCK, TOKEN, Shop, samples, shop_admin


@pytest.fixture
def shop() -> Iterator[Shop]:
    with shop_admin() as shop:
        shop.says({**STOCK, **FUNNEL})
        yield shop


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    source = AdminSource(url=shop.url, token=TOKEN)
    server = serve([stock.subject(source), orders.subject(source)])
    yield server
    shop.gate.set()
    server.stop()


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=30)


def test_metrics_holds_every_subject_and_each_has_a_page_of_its_own(server: Server) -> None:
    found = samples(get(server.url + "/metrics").text)
    assert found["shop_stock_units", "warehouse", "tee-M-black"] == 12
    assert found["shop_orders_total", "accepted"] == 18
    assert {name for name, *_ in samples(get(server.url + "/metrics/stock").text)} == {
        "stock_exporter_up",
        "shop_stock_units",
    }


def test_how_long_a_read_took_is_exported(server: Server) -> None:
    found = samples(get(server.url + "/metrics").text, without=lambda name: "_up" in name or name.startswith("shop"))
    assert set(found) == {
        ("stock_exporter_scrape_duration_seconds", "shop"),
        ("orders_exporter_scrape_duration_seconds", "shop"),
    }
    assert all(value > 0 for value in found.values())


@pytest.mark.parametrize("status", [401, 500])
def test_a_failed_read_is_a_metric_and_never_an_http_500(shop: Shop, server: Server, status: int) -> None:
    shop.status = status
    reply = get(server.url + "/metrics")
    assert reply.status_code == 200
    assert samples(reply.text) == {("stock_exporter_up", "shop"): 0, ("orders_exporter_up", "shop"): 0}


def test_the_scrapers_timeout_ends_the_scrape_of_a_source_that_hangs(shop: Shop, server: Server) -> None:
    shop.gate.clear()
    reply = get(server.url + "/metrics", **{"X-Prometheus-Scrape-Timeout-Seconds": "0.2"})
    assert samples(reply.text) == {("stock_exporter_up", "shop"): 0, ("orders_exporter_up", "shop"): 0}


def test_the_deadline_of_a_read_comes_from_the_scrapers_timeout() -> None:
    deadlines = []
    subject: Subject[None] = of_one_source(
        "fake", "a fake", "here", lambda deadline: deadlines.append(deadline.at), lambda _: ()
    )
    pages = Pages([subject], clock=lambda: 100.0)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "2"}
    pages.answer(environ, lambda _status, _headers: None)
    assert deadlines == [pytest.approx(101.8)]


@pytest.mark.parametrize(
    ("header", "budget"),
    [("1", 0.9), ("10", 9.5), ("0.5", 0.45), ("", 9.5), ("soon", 9.5), ("nan", 9.5), ("-1", 9.5), ("1e9", 59.5)],
)
def test_the_timeout_leaves_a_margin_and_nonsense_is_the_default(header: str, budget: float) -> None:
    assert budget_s(header) == pytest.approx(budget)


def test_the_time_that_an_answer_takes_to_make_is_taken_off_the_deadline_of_the_next() -> None:
    at_s, left_s = [100.0], list[float]()

    def read(deadline: Deadline) -> int:
        left_s.append(deadline.left_s())
        return 1

    def slow(_: int) -> list[GaugeMetricFamily]:
        at_s[0] += 2.0
        return []

    pages = Pages([of_one_source("fake", "a fake", "here", read, slow)], clock=lambda: at_s[0])
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "10"}
    for environ in (asked, asked, {**asked, "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "2"}):
        pages.answer(environ, lambda _status, _headers: None)
    assert left_s == pytest.approx([9.5, 7.5, 0.9])


def test_openmetrics_is_spoken_to_those_who_ask_for_it(server: Server) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4"
    reply = get(server.url + "/metrics", Accept=accept)
    assert reply.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = openmetrics_families(reply.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"shop_stock_units", "shop_orders"}


@pytest.mark.parametrize("accept", ["", "text/html", "text/plain;version=x", "application/json, text/plain"])
def test_text_is_spoken_to_everyone_else(server: Server, accept: str) -> None:
    reply = get(server.url + "/metrics", Accept=accept)
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_a_version_that_is_no_number_is_no_error(server: Server) -> None:
    assert get(server.url + "/metrics", Accept="application/openmetrics-text;version=x").status_code == 200


def test_gzip_is_used_when_it_is_taken_and_only_then(server: Server) -> None:
    with requests.get(
        server.url + "/metrics/stock", headers={"Accept-Encoding": "gzip"}, timeout=30, stream=True
    ) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert samples(gzip.decompress(reply.raw.read()).decode())["stock_exporter_up", "shop"] == 1
    assert "Content-Encoding" not in get(server.url + "/metrics", **{"Accept-Encoding": "identity"}).headers


def test_the_landing_page_links_every_subject(server: Server) -> None:
    text = get(server.url + "/").text
    assert all(f'href="/metrics{path}"' in text for path in ("", "/stock", "/orders"))


def test_healthz_asks_no_source(shop: Shop, server: Server) -> None:
    assert (get(server.url + "/healthz").text, shop.asked) == ("ok\n", [])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/metrics/nothing", 404), ("POST", "/metrics", 405)])
def test_what_there_is_not_is_said(server: Server, method: str, path: str, status: int) -> None:
    assert requests.request(method, server.url + path, timeout=30).status_code == status


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(CantListen, match=rf"^can't listen on 127.0.0.1:{port}: .*Address already in use"):
        serve([], port=port)


def test_the_port_is_free_again_after_stop() -> None:
    first = serve([])
    first.stop()
    first.stop()
    second = serve([], port=int(first.url.rpartition(":")[2]))
    second.stop()
    assert second.url == first.url


def test_two_subjects_of_one_name_are_refused(shop: Shop) -> None:
    subject = stock.subject(AdminSource(url=shop.url, token=TOKEN))
    with pytest.raises(ValueError, match=r"^two subjects have the same name$"):
        serve([subject, subject])


@pytest.mark.parametrize("told", [f"Bearer {TOKEN}", f"{TOKEN}\\u0041", base64.b64encode(TOKEN.encode()).decode()])
def test_a_token_that_the_source_repeats_is_on_no_page(shop: Shop, server: Server, told: str) -> None:
    """As a location, and where the answer isn't what was expected and its words are told."""
    row = {"sku": "tee-M-black", "location": told, "quantity": 12}
    shop.says({**STOCK, **FUNNEL, "stock": [row]})
    assert 'location="' in get(server.url + "/metrics/stock").text
    pages = get(server.url + "/metrics/stock").text
    shop.says({**FUNNEL, "stock": told, "taken_at": told})
    pages += get(server.url + "/metrics").text
    assert told not in pages
    assert TOKEN not in pages


def asked(query: Query, deadline: Deadline) -> CollectorRegistry:
    if "target" not in query:
        raise BadInput("target: required and missing")
    registry = CollectorRegistry()
    Gauge("probe_success", "Whether it worked.", ["target"], registry=registry).labels(query["target"]).set(1)
    assert deadline.left_s() < 5
    return registry


def test_a_page_of_its_own_collects_for_what_its_query_asks() -> None:
    server = serve([], pages={"/probe": QueryPage(about="asks", collect=asked, example="target=a")})
    reply = get(server.url + "/probe?target=a%20b", **{"X-Prometheus-Scrape-Timeout-Seconds": "5"})
    told = [get(f"{server.url}/probe{query}") for query in ("", "?target=a&target=b", "?a&" + "b&" * 17)]
    server.stop()
    assert samples(reply.text) == {("probe_success", "a b"): 1}
    assert [(one.status_code, one.text) for one in told] == [
        (400, "target: required and missing\n"),
        (400, "query: a field stands there twice\n"),
        (400, "query: more than the 16 fields allowed\n"),
    ]


def test_pages_that_take_long_leave_threads_to_scrapes(shop: Shop) -> None:
    waiting, entered = threading.Event(), threading.Semaphore(0)

    def waits(_query: Query, _deadline: Deadline) -> CollectorRegistry:
        entered.release()
        waiting.wait(30)
        return CollectorRegistry()

    source = AdminSource(url=shop.url, token=TOKEN)
    server = serve([stock.subject(source)], pages={"/probe": QueryPage(about="waits", collect=waits)})
    asking = [threading.Thread(target=get, args=(server.url + "/probe",)) for _ in range(MOST_ASKED)]
    for one in asking:
        one.start()
    for _ in asking:
        assert entered.acquire(timeout=30)
    refused = get(server.url + "/probe")
    assert get(server.url + "/metrics/stock").status_code == 200
    waiting.set()
    for one in asking:
        one.join()
    answered = get(server.url + "/probe").status_code
    server.stop()
    assert (refused.status_code, refused.text, answered) == (503, "others are asked at this moment\n", 200)


def test_the_landing_page_says_of_each_source_whether_it_could_be_read(shop: Shop) -> None:
    page = QueryPage(about="asks <a>", collect=asked, example="target=a&b")
    server = serve([stock.subject(AdminSource(url=shop.url, token=TOKEN))], pages={"/probe": page})
    seen = []
    for status in (200, 500):
        seen.append(get(server.url).text)
        shop.status = status
        get(server.url + "/metrics")
    seen.append(get(server.url).text)
    server.stop()
    assert [re.findall("<li>(shop: [a-z ]+)</li>", text) for text in seen] == [
        ["shop: not read yet"],
        ["shop: up"],
        ["shop: down"],
    ]
    assert '<a href="/probe?target=a&amp;b">/probe?target=a&amp;b</a>: asks &lt;a&gt;' in seen[0]
