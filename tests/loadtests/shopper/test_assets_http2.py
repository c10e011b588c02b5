"""Over HTTP/2 a page's assets are asked for side by side on the page's own connection."""

import gc
from collections import Counter
from collections.abc import Iterator

import gevent
import pytest

from loadtests.client.factory import Clients
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.client.interface import Client, Reply, Request
from loadtests.client.shared_pool import SharingClient
from loadtests.shopper.assets import Assets, source_of
from loadtests.shopper.hosts import OnlyHost
from tests.loadtests.client.shoppers import GET, TRACEPARENT
from tests.loadtests.hostile_http2 import HostileHttp2, Talk
from tests.loadtests.hostile_server import Seen
from tests.loadtests.replies import Untimed

PAGE = "".join(f"<img src=/{n}.png>" for n in range(40)).encode()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def access_to(url: str, *, http2: bool = True) -> Http2Access:
    return Http2Access(base_url=url, addresses=("127.0.0.1",), headers={}, http2=http2)


def test_all_of_a_page_s_assets_are_asked_for_at_once_over_one_connection() -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == "/":
            talk.answer("200", PAGE, ("content-type", "text/html"))
            return True
        held.append(talk)
        if len(held) == 40:  # none is answered before all were asked for
            for one in held:
                one.answer("200", b"png")
        return True

    def fetch(client: Client, request: Request, due_at: int) -> Reply:
        due.append(due_at)
        replies.append(client.send(request, TRACEPARENT))
        return replies[-1]

    held: list[Talk] = []
    due: list[int] = []
    replies: list[Reply] = []
    with HostileHttp2(react) as shop:
        access = access_to(shop.url)
        client = Http2Client(access, 10.0)
        assets = Assets(source_of({None: access}, "shop", Counter()), OnlyHost(client), fetch)
        page = client.send(GET, TRACEPARENT)
        assets.load(None, "/", page.body, 7)
        with gevent.Timeout(20):
            assets.settle()
        assets.close()
        client.close()
    assert (page.html, replies, due, shop.connections) == (True, [Untimed(200, b"png")] * 40, [7] * 40, 1)


def test_an_environment_s_shoppers_speak_what_it_says() -> None:
    made = [
        type(Clients(shared).of(access_to("http://127.0.0.1:9", http2=http2), 0)())
        for shared, http2 in ((None, False), (3, False), (None, True))
    ]
    assert made == [ShopperClient, SharingClient, Http2Client]
