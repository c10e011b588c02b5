"""A storefront goes to declared hosts by label, link, form and redirect, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Given, Shop
from loadtests.storefronts.journey import journey
from tests.loadtests.hostile_server import Seen, reply
from tests.loadtests.page_visits import collected
from tests.loadtests.shopper.several_hosts import Pages, Sites, Visit, html, plain_sites, sites, to

__all__ = ["collected", "plain_sites", "sites"]
LOGIN_FORM = (
    '<form method=post action="authorize?step=2"><input type=hidden name=csrf value=c1><input name=user></form>'
)


class Mine(Shop):
    def headers(self) -> dict[str, str]:
        return {"X-Key": self.settings["key"]}

    @journey
    def look(self) -> None:
        """Do nothing: the tests ask."""


def shop_of(visit: Visit) -> Mine:
    return Mine(visit.session, Given(run="r1", settings={"key": "of-the-shop"}))


def declared(sites: Sites, **hosts: str) -> dict[str, Any]:
    return {**sites.declared, "hosts": {label: {"url": url} for label, url in hosts.items()}}


def test_a_login_and_a_payment_page_elsewhere_are_gone_through_by_links_and_forms(sites: Sites, tmp_path: Path) -> None:
    shop_pages: Pages = {"/cart": reply(b'{"items": 1}')}
    login_pages: Pages = {}
    pay_pages: Pages = {}
    shop, login = sites.site("shop.test", shop_pages), sites.site("login.shop.test", login_pages)
    pay = sites.site("pay.example", pay_pages)
    shop_pages["/"] = html(f"<a id=in href='{login.url}/sso/authorize?state=s1'>Log in</a>")
    shop_pages["/callback"] = to("/account", "Set-Cookie: sid=in; Path=/", status="303 See Other")
    shop_pages["/account"] = lambda seen: html(f"{seen.headers.get('cookie')} <a id=pay href='{pay.url}/7'>Pay</a>")
    login_pages["/sso/authorize"] = lambda seen: (
        html(LOGIN_FORM) if seen.line.startswith("GET") else to(f"{shop.url}/callback?code=k&state=s1")
    )
    pay_pages["/7"] = html(f"<form method=post action='{shop.url}/paid'><input type=hidden name=ok value=1></form>")
    shop_pages["/paid"] = lambda seen: reply(b'{"paid": "%s"}' % seen.body)

    with Visit(tmp_path, shop.url, declared(sites, login=f"{login.url}/sso", pay=pay.url)) as visit:
        mine = shop_of(visit)
        form_page = mine.open("authorize", mine.get("home", "/").one("#in"))
        assert mine.get("cart", "/cart")["items"] == 1  # by a script of the page that is shown
        account = mine.submit("login", form_page.form(), {"user": "ada"})
        assert account.text.startswith("sid=in ")
        paid = mine.submit("return", mine.open("pay", account.one("#pay")).form())
        assert paid["paid"] == "ok=1"
        records = [(step, status) for step, status, error in visit.records() if error is None]
    assert records == [
        ("home", 200), ("authorize", 200), ("cart", 200), ("login", 302), ("login-redirect", 303),
        ("login-redirect", 200), ("pay", 200), ("return", 200),
    ]  # fmt: skip
    assert [path for path, _ in login.seen] == ["GET /sso/authorize?state=s1", "POST /sso/authorize?step=2"]
    assert [one.body for one in login.server.seen] == [b"", b"csrf=c1&user=ada"]
    keys = {name: set(site.headers("x-key")) for name, site in (("shop", shop), ("login", login), ("pay", pay))}
    assert keys == {
        "shop": {"of-the-shop", None},
        "login": {None},
        "pay": {None},
    }  # on the way back from elsewhere none


def test_a_host_is_named_by_its_label_and_no_other_is_there(plain_sites: Sites, tmp_path: Path) -> None:
    def told(seen: Seen) -> bytes:
        return reply(b'{"line": "%s"}' % seen.line.encode())

    shop, api = plain_sites.site("shop.test", {}), plain_sites.site("api.test", {"/v2/token": told})
    with Visit(tmp_path, shop.url, declared(plain_sites, api=f"{api.url}/v2")) as visit:
        mine = shop_of(visit)
        assert mine.get("token", "/token", host="api")["line"] == "GET /v2/token HTTP/1.1"
        assert mine.post("token", f"{api.url}/v2/token", {"a": 1})["line"] == "POST /v2/token HTTP/1.1"
        with pytest.raises(ValueError, match=r"^no host 'apis' is declared; hosts holds: api$"):
            mine.get("token", "/token", host="apis")
        with pytest.raises(SessionFailedError, match=r"^redirected_away: https://elsewhere\.example isn't declared"):
            mine.get("token", "https://elsewhere.example/x")
    assert (len(api.seen), shop.seen) == (2, [])
    assert visit.undeclared == {"https://elsewhere.example": 1}
