"""Both sides of the benchmark do the same work: the same requests, bodies alike to the byte, every reply checked."""

import json
from contextlib import suppress
from itertools import count
from pathlib import Path

import gevent
import orjson
import pytest

from loadtests.client.interface import Reply, Request
from loadtests.client.origin import Origin
from loadtests.demand.arrivals import schedule
from loadtests.shopper.asset_urls import AssetUrls
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Given
from scripts.benches.engine import shop
from scripts.benches.engine.plans import Load, plan_of
from scripts.benches.engine.target import page_body, reply_body
from tests.loadtests.fakes import FakeClient, Memory, arrival, worker

pytestmark = pytest.mark.usefixtures("bench_shop")


def visit(folder: Path, journey: str, replies: int, body: str = "") -> list[Request]:
    """Play a journey until the shop has given so many replies, then end it as a run's end does; return the requests."""
    given = count()

    def answer(_: Request) -> Reply:
        if next(given) == replies:
            raise gevent.GreenletExit
        return Reply(status=200, body=(body or reply_body()).encode())

    client = FakeClient(answer)
    shared = worker(folder, client, memory=Memory())
    session = Session(shared, arrival(journey=journey), shared.clock.now())
    with suppress(gevent.GreenletExit):
        shop.BENCH.play(session, Given())
    return client.sent


def test_the_journey_is_two_gets_and_two_posts_of_the_bytes_that_the_other_side_sends(tmp_path: Path) -> None:
    sent = visit(tmp_path, "bench-once", replies=8)
    assert [(one.method, one.path.rstrip("0123456789")) for one in sent] == [
        ("GET", "/api/products"),
        ("GET", "/api/search?q=item"),
        ("POST", "/api/cart"),
        ("POST", "/api/checkout"),
    ]
    bodies = [one.body for one in sent if one.body is not None]
    theirs = [json.dumps(body, separators=(",", ":")).encode() for body in bodies]
    assert [orjson.dumps(body) for body in bodies] == theirs


def test_a_page_s_assets_are_asked_for_apart_by_the_addresses_that_the_page_names(tmp_path: Path) -> None:
    page, *assets = [one.path for one in visit(tmp_path, "bench-apart", replies=1 + len(shop.ASSETS))][:-1]
    found = AssetUrls({None: Origin.of("http://127.0.0.1")}, frozenset({None})).of(None, page, page_body().encode())
    assert (page, [(None, path) for path in assets]) == ("/pages/0/", list(found.wanted))


@pytest.mark.parametrize(
    ("body", "failed_at"),
    [('{"ok":false,"items":[]}', "products"), ('{"ok":true,"items":[1,2]}', "search"), ("not JSON", "products")],
)
def test_a_reply_that_does_not_hold_what_it_must_ends_the_session(tmp_path: Path, body: str, failed_at: str) -> None:
    with pytest.raises(SessionFailedError, match=rf"^{failed_at}: wrong_reply$"):
        visit(tmp_path, "bench-once", replies=8, body=body)


def test_so_many_sessions_arrive_at_the_start_and_none_later() -> None:
    load = Load(journey="bench-buying", sessions=100)
    at_s = schedule(plan_of(load)).at_s
    assert (len(at_s), at_s.max() <= load.spawn_s) == (100, True)
