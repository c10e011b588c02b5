"""What a page asks for is fetched as a browser would: at the shop, at its CDN if the plan says so, and nowhere else.

The servers are real ones, and count their connections; nothing here waits for a time to pass.
"""

import threading
from collections import Counter
from pathlib import Path

import gevent
import pytest

from loadtests.client.interface import Client, Reply, Request
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.environment.targets import Ceiling
from loadtests.shopper.assets import CONNECTIONS, Assets
from loadtests.shopper.hosts import OnlyHost
from loadtests.shopper.session import Session, in_flight
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.worker.scheduler import Scheduler, WorkerSchedule
from tests.loadtests.fakes import SECOND, FakeClient, Memory, arrival, ok, worker
from tests.loadtests.hostile_server import HostileServer, reply
from tests.loadtests.page_visits import HOME, PNG, Visit, collected, page, paths, shop_of

__all__ = ["collected"]


EVERY_KIND = """<!doctype html><html><head><base href="/shop/"><link rel=stylesheet href="a.css">
<script src="{shop}/b.js"></script></head><body><img src="//{authority}/c.png"><img src="data:image/png;base64,AA==">
<img srcset="d-1.png 1x, d-2.png 2x" src=d-0.png><img src="{other}/e.png"><script src="{other}/f.js"></script></body>"""


def test_a_page_s_assets_are_fetched_from_the_shop_and_a_foreign_host_sees_no_connection(tmp_path: Path) -> None:
    pages: dict[str, bytes] = {}
    with HostileServer(shop_of(pages)) as shop, HostileServer(PNG) as other:
        told = {"shop": shop.url, "other": other.url, "authority": shop.url.removeprefix("http://")}
        pages["/"] = page(EVERY_KIND.format(**told))
        visit = Visit(tmp_path, shop.url).go()
    assert paths(shop) == ["/", "/b.js", "/c.png", "/shop/a.css", "/shop/d-1.png"]
    assert other.connections == 0
    assert visit.source.left_out == {"other_host": 2}
    assert visit.errors() == [("home", 200, None), *[("asset", 200, None)] * 4]


def test_an_asset_was_wanted_when_its_page_ended_and_carries_the_run_and_a_trace_of_its_own(tmp_path: Path) -> None:
    with HostileServer(shop_of({"/": page("<img src=/a.png>")})) as shop:
        visit = Visit(tmp_path, shop.url).go()
    home, asset = visit.memory.steps
    assert (asset.step, asset.session, asset.journey, asset.bytes) == ("asset", 3, home.journey, 3)
    assert asset.scheduled_at == home.finished_at
    assert asset.scheduled_at <= asset.sent_at <= asset.finished_at
    headers = shop.seen[1].headers
    assert (headers["x-peakproof-run"], headers["accept"]) == ("r1", "*/*")
    assert headers["traceparent"] == f"00-{asset.trace_id}-{asset.span_id}-01"
    assert asset.trace_id != home.trace_id


def test_the_shopper_thinks_from_the_page_s_reply_and_waits_for_no_asset(tmp_path: Path) -> None:
    hold = threading.Event()
    pages = {"/": page("<img src=/a.png>"), "/next": reply()}
    with HostileServer(shop_of(pages, hold)) as shop:
        visit = Visit(tmp_path, shop.url)
        visit.session.step(HOME)
        visit.session.step(HOME._replace(path="/next"))
        visit.session.write_last()
        assert [record.step for record in visit.memory.steps] == ["home", "home"]
        assert visit.memory.steps[1].scheduled_at == visit.memory.steps[0].finished_at
        hold.set()
        visit.session.settle()
        assert [record.step for record in visit.memory.steps] == ["home", "home", "asset"]
        visit.session.close()


def test_an_asset_is_fetched_once_a_session_and_again_by_the_next(tmp_path: Path) -> None:
    pages = {"/": page("<img src=/a.png><img src=/b.png>"), "/two": page("<img src=/b.png><img src=/c.png>")}
    with HostileServer(shop_of(pages)) as shop:
        Visit(tmp_path, shop.url).go("/", "/two", "/")
        assert paths(shop) == ["/", "/", "/a.png", "/b.png", "/c.png", "/two"]
        Visit(tmp_path, shop.url).go("/")
        assert paths(shop).count("/a.png") == 2


def test_as_many_connections_as_a_browser_opens_and_no_more_carry_a_long_page(tmp_path: Path) -> None:
    hold, body = threading.Event(), "".join(f"<img src=/{n}.png>" for n in range(40))
    with HostileServer(shop_of({"/": page(body)}, hold)) as shop:
        visit = Visit(tmp_path, shop.url)
        visit.session.step(HOME)
        with gevent.Timeout(30):
            while len(shop.seen) < CONNECTIONS:
                gevent.sleep(0.01)
        assert [step for step, _ in in_flight(visit.worker.under_way)] == ["asset"] * (CONNECTIONS - 1)
        assert (shop.connections, len(shop.seen)) == (CONNECTIONS, CONNECTIONS)
        hold.set()
        visit.session.settle()
        visit.session.close()
    assert shop.connections == CONNECTIONS
    assert len(visit.memory.steps) == 41
    assert in_flight(visit.worker.under_way) == []


def test_the_shopper_s_cookies_go_with_assets_and_what_assets_set_goes_with_pages(tmp_path: Path) -> None:
    pages = {
        "/": page("<img src=/a.png>", "Set-Cookie: sid=1"),
        "/a.png": reply(headers=("Set-Cookie: seen=1; Path=/",)),
    }
    with HostileServer(shop_of(pages)) as shop:
        Visit(tmp_path, shop.url).go("/", "/next")
    sent = {seen.path: seen.headers.get("cookie") for seen in shop.seen}
    assert sent == {"/": None, "/a.png": "sid=1", "/next": "sid=1; seen=1"}


def test_a_shop_below_a_path_has_assets_beside_it(tmp_path: Path) -> None:
    pages = {"/en/": page("<img src=/static/a.png><img src=b.png>", "Set-Cookie: sid=1; Path=/en")}
    with HostileServer(shop_of(pages)) as shop:
        Visit(tmp_path, f"{shop.url}/en").go("/")
    sent = {seen.path: seen.headers.get("cookie") for seen in shop.seen}
    assert sent == {"/en/": None, "/static/a.png": None, "/en/b.png": "sid=1"}


def test_a_page_is_html_by_its_type_and_nothing_else_asks_for_anything(tmp_path: Path) -> None:
    body = b"<img src=/a.png>"
    pages = {
        "/plain": reply(body, headers=("Content-Type: text/plain",)),
        "/none": reply(body),
        "/xhtml": reply(body.replace(b"a", b"x"), headers=("content-type: Application/XHTML+XML",)),
    }
    with HostileServer(shop_of(pages)) as shop:
        Visit(tmp_path, shop.url).go("/plain", "/none", "/xhtml")
    assert paths(shop) == ["/none", "/plain", "/x.png", "/xhtml"]


def test_a_page_behind_a_redirect_asks_from_where_it_is(tmp_path: Path) -> None:
    pages = {
        "/": reply(status="302 Found", headers=("Location: /en/home",)),
        "/en/home": page("<img src=a.png>"),
    }
    with HostileServer(shop_of(pages)) as shop:
        visit = Visit(tmp_path, shop.url)
        visit.session.step(HOME._replace(follow="home"))
        visit.session.settle()
        visit.session.close()
    assert paths(shop) == ["/", "/en/a.png", "/en/home"]


def test_a_page_that_is_an_error_asks_for_nothing(tmp_path: Path) -> None:
    broken = b"<img src=/a.png>"
    pages = {"/": reply(broken, status="500 Broken", headers=("Content-Type: text/html",))}
    with HostileServer(shop_of(pages)) as shop:
        visit = Visit(tmp_path, shop.url)
        with pytest.raises(SessionFailedError):
            visit.session.step(HOME)
        visit.session.settle()
        visit.session.close()
    assert paths(shop) == ["/"]


def test_an_asset_that_fails_is_recorded_and_fails_nobody_s_visit(tmp_path: Path) -> None:
    pages = {
        "/": page("<img src=/gone.png><img src=/broken.png><img src=/odd.png><img src=/fine.png>"),
        "/gone.png": reply(status="404 Not Found"),
        "/broken.png": reply(status="503 Busy"),
        "/odd.png": b"this is no HTTP\r\n\r\n",
    }
    with HostileServer(shop_of(pages)) as shop:
        visit = Visit(tmp_path, shop.url).go("/", "/next")
    assert Counter(visit.errors()) == {
        ("home", 200, None): 2,
        ("asset", 404, "http_4xx"): 1,
        ("asset", 503, "http_5xx"): 1,
        ("asset", 0, "protocol"): 1,
        ("asset", 200, None): 1,
    }


def test_a_redirect_of_an_asset_is_followed_at_the_shop_and_nowhere_else(tmp_path: Path) -> None:
    with HostileServer(PNG) as other:
        pages = {
            "/": page("<img src=/moved.png><img src=/away.png><img src=/round.png>"),
            "/moved.png": reply(status="301 Moved", headers=("Location: /here.png",)),
            "/away.png": reply(status="302 Found", headers=(f"Location: {other.url}/x.png",)),
            "/round.png": reply(status="302 Found", headers=("Location: /round.png",)),
        }
        with HostileServer(shop_of(pages)) as shop:
            visit = Visit(tmp_path, shop.url).go()
    assert other.connections == 0
    assert Counter(paths(shop)) == {"/": 1, "/moved.png": 1, "/here.png": 1, "/away.png": 1, "/round.png": 5}
    assert ("asset", 302, "redirected_away") in visit.errors()


def test_the_cdn_has_connections_and_a_step_of_its_own(tmp_path: Path) -> None:
    pages: dict[str, bytes] = {}
    with (
        HostileServer(shop_of(pages)) as shop,
        HostileServer(reply(headers=("Set-Cookie: edge=1",)), host="127.0.0.2") as cdn,
    ):
        there = f"http://127.0.0.2:{cdn.port}"
        body = f"<img src=/own.png><img src={there}/files/a.png><img src={there}/private/b.png>"
        pages["/"] = page(body, "Set-Cookie: sid=1")
        pages["/two"] = page(f"<img src={there}/files/c.png>")
        visit = Visit(tmp_path, shop.url, f"{there}/files").go("/", "/two")
    assert paths(shop) == ["/", "/own.png", "/two"]
    assert [(seen.path, seen.headers.get("cookie")) for seen in cdn.seen] == [
        ("/files/a.png", None),
        ("/files/c.png", None),  # of another site: neither the shop's cookie nor one that it sets itself
    ]
    assert visit.source.left_out == {"other_host": 1}
    assert Counter(step for step, _, _ in visit.errors()) == {"home": 2, "asset": 1, "cdn-asset": 2}


def test_an_asset_over_the_ceiling_is_not_sent_and_the_visit_goes_on(tmp_path: Path) -> None:
    ceiling = Ceiling(requests_per_s=3, open_sessions=10, orders=1)
    body = "".join(f"<img src=/{n}.png>" for n in range(8))
    with HostileServer(shop_of({"/": page(body)})) as shop:
        visit = Visit(tmp_path, shop.url, ceiling=ceiling).go()
    assert len(shop.seen) == len(visit.memory.steps) == 3
    assert visit.source.left_out == {"ceiling_requests": 6}


def test_what_is_under_way_when_the_visit_is_cut_off_is_recorded_as_that_and_nothing_more_is_sent(
    tmp_path: Path,
) -> None:
    hold, body = threading.Event(), "".join(f"<img src=/{n}.png>" for n in range(30))
    with HostileServer(shop_of({"/": page(body)}, hold)) as shop:
        visit = Visit(tmp_path, shop.url)

        def play() -> None:
            try:
                visit.session.step(HOME)
                visit.session.settle()
            finally:
                visit.session.close()

        greenlet = gevent.spawn(play)
        with gevent.Timeout(30):
            while len(shop.seen) < CONNECTIONS:
                gevent.sleep(0.01)
            greenlet.kill()
        hold.set()
    assert len(shop.seen) == CONNECTIONS
    assert Counter(visit.errors()) == {("home", 200, None): 1, ("asset", 0, "cut_off"): CONNECTIONS - 1}
    assert visit.hooks.failures == Counter()


def test_a_visit_is_over_when_the_last_page_s_assets_are_there(tmp_path: Path) -> None:
    hold = threading.Event()
    with HostileServer(shop_of({"/": page("<img src=/a.png>")}, hold)) as shop:
        visit = Visit(tmp_path, shop.url)
        now = visit.worker.clock.now()
        score = WorkerSchedule(arrivals=[arrival()], started_at=now, ends_at=now + 60 * SECOND, max_open=5)

        def look(session: Session) -> None:
            session.step(HOME)

        conductor = Scheduler(visit.worker, score, look)
        playing = gevent.spawn(conductor.play)
        with gevent.Timeout(30):
            while len(shop.seen) < 2:
                gevent.sleep(0.01)
            assert conductor.open_sessions == 1
            hold.set()
            playing.join()
    assert visit.errors() == [("home", 200, None), ("asset", 200, None)]
    assert [record.outcome for record in visit.memory.sessions] == ["completed"]


def test_a_mistake_of_ours_is_counted_and_not_lost(tmp_path: Path) -> None:
    visit = Visit(tmp_path, "http://127.0.0.1:1")

    def broken(client: Client, request: Request, due_at: int) -> Reply:
        assert (client.beside(), request.path, due_at) == (client, "/a", 1)
        raise ZeroDivisionError("ours")

    assets = Assets(visit.source, OnlyHost(FakeClient(lambda _: ok())), broken)
    assets.load(None, "/", b"<img src=/a>", 1)
    assets.settle()
    assets.close()
    assert visit.hooks.failures == {("assets", "ZeroDivisionError('ours')"): 1}


def test_assets_that_are_off_cost_nothing_and_fetch_nothing(tmp_path: Path) -> None:
    memory, client = Memory(), FakeClient(lambda _: Reply(200, b"<img src=/a.png>", html=True))
    shared = worker(tmp_path, client, memory=memory)
    session = Session(shared, arrival(), shared.clock.now())
    session.step(HOME)
    session.settle()
    session.close()
    assert [request.path for request in client.sent] == ["/"]
    assert session.assets is None


def test_leave_for_an_asset_is_taken_from_the_same_ceiling(tmp_path: Path) -> None:
    ceiling = Ceiling(requests_per_s=1, open_sessions=1, orders=1)
    shared = worker(tmp_path, ceiling=ceiling)
    session = Session(shared, arrival(), shared.clock.now())
    session.fetch(FakeClient(lambda _: ok()), HOME, 0)
    with pytest.raises(CeilingReachedError):
        session.step(HOME)
