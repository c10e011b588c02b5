"""A shopper goes between the declared hosts as a browser does, each request recorded, and nowhere else."""

import socket
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.client.interface import Request
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.certificates import Authority
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.page_visits import PNG, collected
from tests.loadtests.shopper.several_hosts import GET, Pages, Sites, Visit, html, plain_sites, sites, to

__all__ = ["collected", "plain_sites", "sites"]
FORM = Request(
    step="login", method="POST", path="/authorize", form={"user": "a"}, follow="login-redirect", host="login"
)


def test_a_login_elsewhere_is_followed_there_and_back_with_each_host_s_cookies(sites: Sites, tmp_path: Path) -> None:
    shop_pages: Pages = {}
    login_pages: Pages = {}
    shop, login = sites.site("shop.test", shop_pages), sites.site("login.other.test", login_pages)
    shop_pages["/account"] = lambda seen: (
        html("Hello")
        if "sid=2" in seen.headers.get("cookie", "")
        else to(f"{login.url}/sso/authorize?c=1", "Set-Cookie: sid=1")
    )
    shop_pages["/callback"] = to("/account", "Set-Cookie: sid=2; Path=/")
    login_pages["/sso/authorize"] = lambda seen: (
        html("<form>", "Set-Cookie: flow=9")
        if seen.line.startswith("GET")
        else to(f"{shop.url}/callback?code=7", "Set-Cookie: sso=1; Path=/", status="303 See Other")
    )
    declared = {**sites.declared, "hosts": {"login": {"url": f"{login.url}/sso"}}}
    with Visit(tmp_path, shop.url, declared) as visit:
        form = visit.session.step(GET._replace(path="/account", follow="account-redirect"))
        assert (form.body, visit.session.locate("authorize")) == (b"<form>", ("login", "/authorize"))
        assert visit.session.step(FORM).body == b"Hello"
        records = visit.records()
    assert records == [
        ("home", 302, None), ("account-redirect", 200, None),
        ("login", 303, None), ("login-redirect", 302, None), ("login-redirect", 200, None),
    ]  # fmt: skip
    assert shop.seen == [("GET /account", None), ("GET /callback?code=7", "sid=1"), ("GET /account", "sid=2")]
    assert login.seen == [("GET /sso/authorize?c=1", None), ("POST /sso/authorize", "flow=9")]
    assert visit.undeclared == {}


def test_a_loop_between_two_hosts_is_ended_and_says_between_which(sites: Sites, tmp_path: Path) -> None:
    shop_pages: Pages = {}
    shop = sites.site("shop.test", shop_pages)
    live = sites.site("live.test", {"/": to(f"{shop.url}/")})
    shop_pages["/"] = to(f"{live.url}/", status="307 Again")
    with Visit(tmp_path, shop.url, {**sites.declared, "hosts": {"live": {"url": live.url}}}) as visit:
        with pytest.raises(SessionFailedError, match=r"^home-redirect: wrong_reply$"):
            visit.session.step(GET._replace(follow="home-redirect"))
        records = visit.records()
    assert visit.told == ["over 10 redirects, the last from shop to live"]
    assert [error for _, _, error in records] == [None] * 10 + ["wrong_reply"]
    assert (len(shop.seen), len(live.seen)) == (6, 5)


def test_a_host_that_is_not_declared_is_never_contacted_and_is_listed(sites: Sites, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        elsewhere = f"http://127.0.0.1:{foreign.getsockname()[1]}"
        shop = sites.site("shop.test", {"/": to(f"{elsewhere}/trap"), "/links": html("<a>")})
        login = sites.site("login.test", {"/": to(f"{elsewhere}/trap")})
        with Visit(tmp_path, shop.url, {**sites.declared, "hosts": {"login": {"url": login.url}}}) as visit:
            for host in (None, "login"):
                with pytest.raises(SessionFailedError, match=r"^home: redirected_away$"):
                    visit.session.step(GET._replace(follow="on", host=host))
            visit.session.step(GET._replace(path="/links"))
            with pytest.raises(SessionFailedError, match=rf"^redirected_away: {elsewhere} isn't declared; declare it"):
                visit.session.locate(f"{elsewhere}/link")
            with pytest.raises(SessionFailedError, match=r"^redirected_away: 'javascript:go\(\)' is not an address"):
                visit.session.locate("javascript:go()")
            with pytest.raises(ValueError, match=r"^no host 'pay' is declared; hosts holds: login$"):
                visit.session.step(GET._replace(host="pay"))
            records = visit.records()
        foreign.settimeout(0)
        with pytest.raises(BlockingIOError):
            foreign.accept()
    assert records[:2] == [("home", 302, "redirected_away")] * 2
    assert visit.told == [f"leads to {elsewhere}, which hosts doesn't declare"] * 2
    assert visit.undeclared == {elsewhere: 3}


def test_credentials_stay_with_their_host_and_a_request_s_own_headers_too(sites: Sites, tmp_path: Path) -> None:
    shop_pages: Pages = {}
    shop = sites.site("shop.test", shop_pages)
    login = sites.site("login.test", {"/": reply(b'{"of-the-shop-alone": "of-the-login-alone"}')})
    cdn = sites.site("cdn.test", {"/": reply()})
    shop_pages["/"] = to(f"{login.url}/", status="307 There")
    declared = {
        **sites.declared,
        "headers": {"X-Key": {"env": "THE_KEY"}},
        "hosts": {"login": {"url": login.url, "headers": {"X-Login": {"env": "LOGIN_KEY"}}}, "cdn": {"url": cdn.url}},
    }
    own = {"Authorization": "Bearer mine", "X-Cart": "7", "Accept-Language": "en"}
    request = Request("cart", "POST", "/", body={"a": 1}, headers=own, follow="on")
    with Visit(tmp_path, shop.url, declared) as visit:
        body = visit.session.step(request).body
        visit.session.step(GET._replace(host="cdn"))
    assert body == b'{"%s": "%s"}' % (b"*" * 17, b"*" * 18)  # whoever repeats a secret
    names = ("x-key", "x-login", "authorization", "x-cart", "accept-language", "x-peakproof-run")
    run = visit.worker._job.directory.name
    assert [shop.headers(name) for name in names] == [
        ["of-the-shop-alone"], [None], ["Bearer mine"], ["7"], ["en"], [run],
    ]  # fmt: skip
    assert [login.headers(name) for name in names] == [[None], ["of-the-login-alone"], [None], [None], ["en"], [run]]
    assert [cdn.headers(name) for name in names] == [[None]] * 5 + [[run]]
    assert [one.body for one in login.server.seen] == [b'{"a":1}']  # as 307 has it


@pytest.mark.parametrize(
    ("request_", "cookies"),
    [
        (Request("back", "POST", "/back", form={"paid": "1"}), "odd=1; none=1"),
        (Request("back", "GET", "/back?paid=1"), "lax=1; odd=1; none=1"),
        (Request("back", "POST", "/back", body={"paid": 1}), "none=1"),
    ],
)
def test_what_a_payment_page_sends_back_has_the_cookies_that_same_site_allows(
    sites: Sites, tmp_path: Path, request_: Request, cookies: str
) -> None:
    told = ("strict=1; SameSite=Strict", "lax=1; SameSite=Lax", "odd=1", "none=1; SameSite=None; Secure")
    shop = sites.site("shop.test", {"/": html("", *(f"Set-Cookie: {one}" for one in told)), "/back": reply()})
    pay = sites.site("pay.example", {"/": html("<form>")})
    over_tls = shop.url.startswith("https:")
    with Visit(tmp_path, shop.url, {**sites.declared, "hosts": {"pay": {"url": pay.url}}}) as visit:
        for request in (GET, GET._replace(host="pay"), request_, GET, request_):
            visit.session.step(request)  # from the payment page, then from the shop's own
    expected = [None, cookies, "lax=1; odd=1; none=1", "strict=1; lax=1; odd=1; none=1"]
    if not over_tls:
        expected = [(one and one.replace("; none=1", "").replace("none=1", "")) or None for one in expected]
    assert [seen[1] for seen in shop.seen] == expected
    assert pay.seen == [("GET /", None)]


def test_a_host_has_a_ceiling_of_its_own_within_the_environment_s(plain_sites: Sites, tmp_path: Path) -> None:
    shop, pay = plain_sites.site("shop.test", {"/": reply()}), plain_sites.site("pay.test", {"/": reply()})
    hosts = {"pay": {"url": pay.url, "ceiling": {"requests_per_s": 2}}}
    ceiling = {"requests_per_s": 6, "open_sessions": 5, "orders": 5}
    with Visit(tmp_path, shop.url, {**plain_sites.declared, "hosts": hosts, "ceiling": ceiling}) as visit:
        at_pay = GET._replace(host="pay")
        for request in (at_pay, at_pay, GET):
            visit.session.step(request)
        with pytest.raises(CeilingReachedError, match=r"^ceiling_requests_pay$"):
            visit.session.step(at_pay)
        for _ in range(3):
            visit.session.step(GET)
        with pytest.raises(CeilingReachedError, match=r"^ceiling_requests$"):
            visit.session.step(GET)
        with pytest.raises(CeilingReachedError, match=r"^ceiling_requests$"):
            visit.session.step(at_pay)
    assert (len(shop.seen), len(pay.seen)) == (4, 2)
    assert visit.context.ceilings.refused == {"ceiling_requests_pay": 1, "ceiling_requests": 2}


def test_an_order_that_a_host_s_ceiling_forbids_was_attempted_and_its_outcome_is_unknown(
    plain_sites: Sites, tmp_path: Path
) -> None:
    """The ceiling is known once its request is: the ledger holds the attempt by then."""
    shop, pay = plain_sites.site("shop.test", {}), plain_sites.site("pay.test", {"/": reply()})
    hosts = {"pay": {"url": pay.url, "ceiling": {"requests_per_s": 1}}}
    with Visit(tmp_path, shop.url, {**plain_sites.declared, "hosts": hosts}) as visit:
        visit.session.step(GET._replace(host="pay"))
        visit.session.begin_order((), 100)
        with pytest.raises(CeilingReachedError, match=r"^ceiling_requests_pay$"):
            visit.session.step(GET._replace(host="pay"))
    assert (len(pay.seen), len(shop.seen)) == (1, 0)


def test_a_page_s_assets_come_from_every_host_and_those_of_no_declared_one_are_listed(
    sites: Sites, tmp_path: Path
) -> None:
    pages: Pages = {"/tee.png": PNG, "/own.css": PNG}
    shop, login = sites.site("shop.test", pages), sites.site("login.test", {"/l.png": PNG})
    cdn = sites.site("cdn.test", {"/files/c.png": PNG, "/files/moved.png": to(f"{shop.url}/own.css")})
    links = [f"{shop.url}/tee.png", f"{login.url}/l.png", f"{cdn.url}/files/c.png", f"{cdn.url}/files/moved.png"]
    links += [f"{cdn.url}/other.png", "https://fonts.example/f.woff"]
    pages["/"] = html("".join(f"<img src='{link}'>" for link in links), "Set-Cookie: sid=1; SameSite=None; Secure")
    hosts = {"login": {"url": login.url}, "cdn": {"url": f"{cdn.url}/files"}}
    with Visit(tmp_path, shop.url, {**sites.declared, "hosts": hosts}, assets="all") as visit:
        visit.session.step(GET)
        visit.session.settle()
        steps = Counter(step for step, _, error in visit.records() if error is None)
    assert steps == {"home": 1, "asset": 3, "cdn-asset": 2}
    cookie = "sid=1" if shop.url.startswith("https:") else None
    assert sorted(shop.seen[1:]) == [("GET /own.css", cookie), ("GET /tee.png", cookie)]
    assert [path for path, _ in login.seen] == ["GET /l.png"]
    assert sorted(path for path, _ in cdn.seen) == ["GET /files/c.png", "GET /files/moved.png"]
    assert visit.undeclared == {"https://fonts.example": 1}
    assert visit.context.assets is not None
    assert visit.context.assets.left_out == {"other_host": 2}
    assert visit.context.hooks.failures == {}


def test_what_a_page_of_another_site_asks_for_takes_no_lax_cookie_and_leaves_none(
    plain_sites: Sites, tmp_path: Path
) -> None:
    login_pages: Pages = {"/l.png": reply(b"png", headers=("Set-Cookie: odd=1",))}
    login = plain_sites.site("login.other.test", login_pages)
    shop = plain_sites.site(
        "shop.test", {"/": html(f"<img src={login.url}/l.png>", "Set-Cookie: sid=1"), "/a.png": PNG}
    )
    login_pages["/"] = html(f"<img src=/own.png><img src={shop.url}/a.png>", "Set-Cookie: sso=1")
    login_pages["/own.png"] = PNG
    declared = {**plain_sites.declared, "hosts": {"login": {"url": login.url}}}
    with Visit(tmp_path, shop.url, declared, assets="shop") as visit:
        for host in ("login", None, "login"):
            visit.session.step(GET._replace(host=host))
            visit.session.settle()
    assert shop.seen == [("GET /a.png", None), ("GET /", None)]
    assert login.seen == [
        ("GET /", None), ("GET /own.png", "sso=1"), ("GET /l.png", None), ("GET /", "sso=1"),
    ]  # fmt: skip


def test_the_cdn_is_left_alone_unless_its_assets_are_wanted(plain_sites: Sites, tmp_path: Path) -> None:
    cdn = plain_sites.site("cdn.test", {"/c.png": PNG})
    pages: Pages = {"/": html(f"<img src={cdn.url}/c.png><img src=/away.png>"), "/away.png": to(f"{cdn.url}/c.png")}
    shop = plain_sites.site("shop.test", pages)
    with Visit(
        tmp_path, shop.url, {**plain_sites.declared, "hosts": {"cdn": {"url": cdn.url}}}, assets="shop"
    ) as visit:
        visit.session.step(GET)
        visit.session.settle()
        assert visit.records()[1:] == [("asset", 302, None)]
    assert (cdn.server.connections, visit.undeclared) == (0, {})
    assert visit.context.assets is not None
    assert visit.context.assets.left_out == {"other_host": 2}


def test_sessions_share_connections_to_each_host_and_no_cookies(plain_sites: Sites, tmp_path: Path) -> None:
    def page(seen: Seen) -> bytes:
        return reply(b"", headers=() if seen.headers.get("cookie") else ("Set-Cookie: sid=1",))

    shop, pay = plain_sites.site("shop.test", {"/": page}), plain_sites.site("pay.test", {"/": page})
    declared = {**plain_sites.declared, "hosts": {"pay": {"url": pay.url}}}
    limits: dict[str, Any] = {"open_sessions": 10, "connections": 1}
    with Visit(tmp_path, shop.url, declared, limits=limits) as visit:
        for _ in range(2):
            for host in (None, "pay", "pay"):
                visit.session.step(GET._replace(host=host))
            visit.session.close()
            visit.session = type(visit.session)(visit.context, visit.session.arrival, visit.context.clock.now())
    assert [cookie for _, cookie in pay.seen] == [None, "sid=1"] * 2
    assert (shop.server.connections, pay.server.connections) == (1, 1)


def test_an_event_stream_may_be_at_another_host(sites: Sites, tmp_path: Path) -> None:
    stream = reply(b"event: paid\ndata: 1\n\n", headers=("Content-Type: text/event-stream",))
    shop, news = sites.site("shop.test", {}), sites.site("news.test", {"/events": stream})
    with Visit(tmp_path, shop.url, {**sites.declared, "hosts": {"news": {"url": news.url}}}) as visit:
        visit.session.listen(Request("stream", "GET", "/events", host="news"))
        with gevent.Timeout(20):
            assert visit.session.hear("paid", lambda event: event.type == "paid").data == "1"
        visit.session.hang_up()
    assert [path for path, _ in news.seen] == ["GET /events"]
    assert shop.seen == []


def test_a_host_with_another_s_certificate_gets_nothing(tmp_path: Path) -> None:
    with Sites(tmp_path, "tls") as sites:
        shop = sites.site("shop.test", {"/": reply()})
        pay = sites.site("pay.test", {"/": reply()}, certificate="evil.test")
        with Visit(tmp_path, shop.url, {**sites.declared, "hosts": {"pay": {"url": pay.url}}}) as visit:
            with pytest.raises(SessionFailedError, match=r"^home: connection$"):
                visit.session.step(GET._replace(host="pay"))
            visit.session.step(GET)
            assert visit.records() == [("home", 0, "connection"), ("home", 200, None)]
    assert (len(pay.seen), len(shop.seen)) == (0, 1)


def test_each_host_is_verified_with_its_own_authorities_and_shown_its_own_certificate(tmp_path: Path) -> None:
    ours, theirs = (Authority(tmp_path / name) for name in ("ours", "theirs"))
    client = theirs.sign("somebody")
    with (
        HostileServer(reply(), ours.serve(ours.sign("shop.test"))) as shop,
        HostileServer(reply(), theirs.serve(theirs.sign("pay.test"), clients=theirs.certificate)) as pay,
        HostileServer(reply(), theirs.serve(theirs.sign("login.test"))) as login,
    ):
        pair = {"certificate": str(client.certificate), "key": str(client.key)}
        own = {"ca": str(theirs.certificate), "client_certificate": pair}
        hosts = {
            "pay": {"url": f"https://pay.test:{pay.port}", **own},
            "login": {"url": f"https://login.test:{login.port}"},
        }
        names = dict.fromkeys(("shop.test", "pay.test", "login.test"), "127.0.0.1")
        declared = {"ca": str(ours.certificate), "resolve": names, "hosts": hosts}
        with Visit(tmp_path, f"https://shop.test:{shop.port}", declared) as visit:
            visit.session.step(GET)
            visit.session.step(GET._replace(host="pay"))
            with pytest.raises(SessionFailedError, match=r"^home: connection$"):  # another authority than the shop's
                visit.session.step(GET._replace(host="login"))
    assert [len(one.seen) for one in (shop, pay, login)] == [1, 1, 0]
