"""A storefront reads a header of the last reply, and a cookie of the shop's, over every protocol."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Given, Shop
from loadtests.storefronts.journey import journey
from tests.loadtests.hostile_server import reply
from tests.loadtests.page_visits import collected
from tests.loadtests.shopper.several_hosts import Sites, Visit, sites

__all__ = ["collected", "sites"]


class Mine(Shop):
    @journey
    def look(self) -> None:
        """Do nothing: the tests ask."""


def test_headers_and_cookies_are_read_by_name(sites: Sites, tmp_path: Path) -> None:
    pages: dict[str, Any] = {
        "/": reply(b"{}", headers=("X-Token: t-1", "Set-Cookie: a=1; Path=/", "Set-Cookie: csrf=c-9; Path=/")),
        "/next": reply(b"{}", headers=("Set-Cookie: csrf=c-10; Path=/",)),
    }
    shop = sites.site("shop.test", pages)
    with Visit(tmp_path, shop.url, sites.declared) as visit:
        mine = Mine(visit.session, Given(run="r1"))
        home = mine.get("home", "/")
        assert (home.header("x-token"), home.header("X-Token"), mine.cookie("csrf")) == ("t-1", "t-1", "c-9")
        page = mine.get("next", "/next")
        assert mine.cookie("csrf") == "c-10"
        with pytest.raises(LookupError, match="no cookie session"):
            mine.cookie("session")
        with pytest.raises(LookupError, match="header X-Token of home is read after the next request began"):
            home.header("X-Token")
        with pytest.raises(SessionFailedError, match="next: wrong_reply"):
            page.header("X-Token")
        assert visit.told == ["no header X-Token"]
        assert visit.records() == [("home", 200, None), ("next", 200, "wrong_reply")]
