"""The pages of a running Prometheus: one board each, its links carry time and choices, on loopback alone."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboards.grafana.board import ALL, Variable
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query
from dashboards.grafana.upgrade import Json
from scripts.live_boards.pages import REFRESH_S, LivePages
from tests.dashboards.snapshot.made import board_of
from tests.scripts.live_boards.fake import FakePrometheus

NOW = 1_795_003_200_000_000_000
CANARY = "</style><script>alert(1)</script>"


def panel(expr: str, *links: Link) -> Panel:
    return Panel(title="T", description="D.", unit="s", queries=[Query(expr=expr, legend="{{route}}")], links=links)


def boards() -> Mapping[str, Json]:
    with_route = board_of(panel('up{r=~"$route"}'), name="shop")
    route = Variable(name="route", title="Route", selector="up", label="route")
    query = {"name": route.name, "type": "query", "allValue": ALL}
    with_route["templating"]["list"].append(query)
    return {"incident": board_of(panel("up", Link(title="Shop", board="shop", labels={"route": "route"})),
                                 name="incident"), "shop": with_route}  # fmt: skip


class Browser:
    """Asks the application as a browser on this machine would."""

    def __init__(self, fake: FakePrometheus, executor: ThreadPoolExecutor) -> None:
        self._app = LivePages(
            prometheus=fake.prometheus, dashboards=boards(), executor=executor, now=lambda: NOW + 7
        ).answer
        self.status = ""
        self.headers: dict[str, str] = {}

    def get(self, path: str, query: str = "", host: str = "127.0.0.1:8", method: str = "GET") -> str:
        def start(status: str, headers: list[tuple[str, str]]) -> None:
            self.status, self.headers = status, dict(headers)

        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": host,
        }  # fmt: skip
        return b"".join(self._app(environ, start)).decode()


@pytest.fixture
def fake() -> FakePrometheus:
    return FakePrometheus(labels={"route": "/a b"})


@pytest.fixture
def browser(fake: FakePrometheus) -> Iterator[Browser]:
    with ThreadPoolExecutor(1) as executor:
        yield Browser(fake, executor)


def test_the_first_page_is_the_first_board_with_links_to_the_others(browser: Browser) -> None:
    page = browser.get("/")
    assert browser.status == "200 OK"
    assert "<h1>Incident</h1>" in page
    assert '<a href="/shop?since=15m">Shop</a>' in page
    assert f'<meta http-equiv="refresh" content="{REFRESH_S}">' in page


def test_a_page_says_that_it_is_no_grafana_and_whom_it_asked(browser: Browser) -> None:
    page = browser.get("/incident")
    assert "A preview by Peakproof, not Grafana: drawn of what Prometheus answers now." in page
    assert "Prometheus at http://127.0.0.1:1" in page


@pytest.mark.parametrize(("since", "length_s"), [("15m", 900), ("1h", 3600), ("6h", 21_600)])
def test_the_time_that_is_chosen_is_asked_for(
    browser: Browser, fake: FakePrometheus, since: str, length_s: int
) -> None:
    page = browser.get("/incident", f"since={since}")
    assert [(start, end) for kind, _, start, end, _ in fake.asked if kind == "range"] == [
        (NOW - length_s * 1_000_000_000, NOW)
    ]
    assert f'<a href="/incident?since={since}" aria-current="true">' in page


def test_a_link_of_a_series_carries_its_label_and_the_time(browser: Browser) -> None:
    assert 'href="/shop?since=1h&amp;var-route=%2Fa+b"' in browser.get("/incident", "since=1h")


def test_what_is_chosen_is_asked_for_told_and_can_be_undone(browser: Browser, fake: FakePrometheus) -> None:
    page = browser.get("/shop", "since=1h&var-route=%2Fa+b")
    assert [query for _, query, *_ in fake.asked] == ['up{r=~"/a b"}']
    assert 'route = /a b (<a href="/shop?since=1h">all</a>)' in page


def test_a_link_carries_no_choice_that_the_other_board_does_not_have(browser: Browser) -> None:
    page = browser.get("/shop", "var-route=%2Fa")
    assert '<a href="/incident?since=15m">Incident</a>' in page
    assert '<a href="/shop?since=15m&amp;var-route=%2Fa" aria-current="page">Shop</a>' in page


def test_a_choice_that_the_board_does_not_have_is_left_out(browser: Browser) -> None:
    assert "var-route" not in browser.get("/incident", "var-nothing=1").replace("var-route=%2Fa+b", "")


def test_a_prometheus_that_does_not_answer_is_said_on_the_page(browser: Browser, fake: FakePrometheus) -> None:
    fake.ready = False
    page = browser.get("/incident")
    assert browser.status == "200 OK"
    assert "Prometheus at http://127.0.0.1:1 doesn&#39;t answer: nothing below is known." in page
    assert "no data" in page


def test_a_query_that_is_refused_is_said_in_its_panel(browser: Browser, fake: FakePrometheus) -> None:
    fake.refused = "up"
    assert "Prometheus refuses it: parse error" in browser.get("/incident")


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/nowhere", "", "404 Not Found"),
        ("/incident/..", "", "404 Not Found"),
        ("/incident", "since=1y", "400 Bad Request"),
        ("/incident", "since=1h&since=6h", "400 Bad Request"),
        ("/shop", "var-route=" + "a" * 201, "400 Bad Request"),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused(browser: Browser, path: str, query: str, status: str) -> None:
    browser.get(path, query)
    assert browser.status == status


@pytest.mark.parametrize("host", ["evil.test", "evil.test:80", "", "127.0.0.1.evil.test", "[", "10.0.0.1"])
def test_a_name_that_is_not_this_machines_is_refused(browser: Browser, fake: FakePrometheus, host: str) -> None:
    browser.get("/incident", host=host)
    assert browser.status == "403 Forbidden"
    assert fake.asked == []


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9"])
def test_every_name_of_loopback_is_answered(browser: Browser, host: str) -> None:
    browser.get("/incident", host=host)
    assert browser.status == "200 OK"


def test_only_reading_is_allowed(browser: Browser) -> None:
    assert browser.get("/incident", method="POST") == "only GET\n"
    assert browser.status == "405 Method Not Allowed"
    assert browser.get("/incident", method="HEAD") == ""


def test_no_script_runs_and_nothing_is_kept_or_framed(browser: Browser) -> None:
    browser.get("/incident")
    assert browser.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in browser.headers["Content-Security-Policy"]
    assert browser.headers["Cache-Control"] == "no-store"


def test_labels_and_choices_are_text(browser: Browser, fake: FakePrometheus) -> None:
    fake.labels = {"route": CANARY}
    assert "<script" not in browser.get("/incident")
    assert "<script" not in browser.get("/shop", "var-route=%3C%2Fstyle%3E%3Cscript%3E")


def test_it_says_that_it_is_up_without_asking(browser: Browser, fake: FakePrometheus) -> None:
    assert browser.get("/healthz") == "ok\n"
    assert fake.asked == []
