"""The benchmark's sessions do the four steps, check every reply, and are known to the product only when asked."""

import json
from contextlib import suppress
from itertools import count
from pathlib import Path

import gevent
import orjson
import pytest

from loadtests.client.interface import Reply, Request
from loadtests.client.origin import Origin
from loadtests.demand.visits import ASSET, VISITS
from loadtests.environment import targets
from loadtests.journeys import BUILT_IN
from loadtests.shopper.asset_urls import AssetUrls
from loadtests.shopper.session import Session, SessionFailedError
from scripts.benches.engine import shop
from scripts.benches.engine.target import page_body, reply_body
from tests.loadtests.fakes import FakeClient, Memory, arrival, worker

pytestmark = pytest.mark.usefixtures("bench_shop")

FOUR = ["products", "search", "cart", "checkout"]


def visit(folder: Path, journey: str, replies: int, body: str = "") -> tuple[FakeClient, Memory]:
    """Play a journey until the shop has given so many replies, then end it as a run's end does."""
    given = count()

    def answer(_: Request) -> Reply:
        if next(given) == replies:
            raise gevent.GreenletExit
        return Reply(status=200, body=(body or reply_body()).encode())

    client, memory = FakeClient(answer), Memory()
    shared = worker(folder, client, memory=memory)
    session = Session(shared, arrival(journey=journey), shared.clock.now())
    with suppress(gevent.GreenletExit):
        shop.REGISTRY.journeys[journey](session, shop.REGISTRY.storefronts[shop.STOREFRONT].new(session))
    return client, memory


@pytest.mark.parametrize(
    ("journey", "steps"),
    [
        ("bench-buying", FOUR * 2),
        ("bench-thinking", FOUR * 2),
        ("bench-once", FOUR),
        ("bench-static", ["static"] * 8),
        ("bench-one-page", ["static"]),
        ("bench-pages", ["page"] * 8),
        ("bench-apart", ["page", *["asset"] * 7]),
    ],
)
def test_a_session_goes_round_until_the_end_unless_it_is_of_one_journey(
    tmp_path: Path, journey: str, steps: list[str]
) -> None:
    _, memory = visit(tmp_path, journey, replies=8)
    assert [record.step for record in memory.steps if record.error is None] == steps


def test_the_journey_is_two_gets_one_with_a_random_query_and_two_json_posts(tmp_path: Path) -> None:
    client, _ = visit(tmp_path, "bench-once", replies=8)
    assert [(sent.method, sent.path.rstrip("0123456789")) for sent in client.sent] == [
        ("GET", "/api/products"),
        ("GET", "/api/search?q=item"),
        ("POST", "/api/cart"),
        ("POST", "/api/checkout"),
    ]


def test_a_page_s_assets_are_asked_for_apart_by_the_addresses_that_the_page_names(tmp_path: Path) -> None:
    client, _ = visit(tmp_path, "bench-apart", replies=2 * (1 + len(shop.ASSETS)))
    asked = [sent.path for sent in client.sent][:-1]
    origin = Origin.of("http://127.0.0.1")
    for number in range(2):
        page, *assets = asked[number * len(asked) // 2 : (number + 1) * len(asked) // 2]
        found = AssetUrls(origin, {ASSET: origin}).of(page, page_body().encode())
        assert (page, [(ASSET, path) for path in assets]) == (f"/pages/{number}/", list(found.wanted))


def test_both_sides_word_a_body_in_the_same_bytes(tmp_path: Path) -> None:
    client, _ = visit(tmp_path, "bench-once", replies=8)
    bodies = [sent.body for sent in client.sent if sent.body is not None]
    ours = [orjson.dumps(body) for body in bodies]
    theirs = [json.dumps(body, separators=(",", ":")).encode() for body in bodies]
    assert (len(ours), ours) == (2, theirs)


@pytest.mark.parametrize(
    ("body", "failed_at"),
    [
        ('{"ok":false,"items":[]}', "products"),
        ('{"ok":true,"items":[1,2]}', "search"),
        ("not JSON", "products"),
    ],
)
def test_a_reply_that_does_not_hold_what_it_must_ends_the_session(tmp_path: Path, body: str, failed_at: str) -> None:
    with pytest.raises(SessionFailedError, match=rf"^{failed_at}: wrong_reply$"):
        visit(tmp_path, "bench-once", replies=8, body=body)


def test_targets_and_plans_name_what_the_registry_holds_and_only_for_as_long_as_they_must() -> None:
    assert set(shop.REGISTRY.journeys) == set(VISITS) - set(BUILT_IN.journeys)
    assert set(shop.REGISTRY.storefronts) == set(targets.STOREFRONTS) - set(BUILT_IN.storefronts)
