"""A JSON endpoint as a source: pages of items, and every way in which it fails or lies."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.http_json import HttpJson, HttpJsonConfig, http_json
from slo.documents import validate
from tests.exporters.sources.test_sql import in_s
from tests.exporters.subjects.inventory.five_locations import TOKEN, Facts, WestApi, west_api
from tests.exporters.subjects.inventory.scraped import context

WANTED = ("product.sku", "stock.free")


@pytest.fixture
def api() -> Iterator[WestApi]:
    with west_api(Facts(own={"store-west": {"a": 1, "b": -2, "c": 3}}, shop={})) as served:
        served.page = 2
        yield served


def source(api: WestApi, **settings: object) -> HttpJson:
    document = {
        "url": api.url, "headers": {"X-Api-Key": {"env": "WEST_KEY"}}, "items": "data.items", "next": "links.next",
        **settings,
    }  # fmt: skip
    config = validate(document, HttpJsonConfig, "exporters.yaml")
    return http_json(config, context(Path(), {"WEST_KEY": TOKEN}), "west")


def failure(api: WestApi, wanted: tuple[str, ...] = WANTED, within_s: float = 5, **settings: object) -> str:
    with pytest.raises(Unreadable) as caught:
        source(api, **settings).read(wanted, in_s(within_s))
    return str(caught.value).removeprefix(f"west: {api.url}: ")


def test_the_items_of_all_pages_are_one_table(api: WestApi) -> None:
    table = source(api).read(WANTED, in_s(5))
    assert table.rows == 3
    assert table.columns == {"product.sku": ["a", "b", "c"], "stock.free": [1, -2, 3]}
    assert api.asked == ["/stock", "/stock?from=2"]


def test_an_item_without_a_value_has_none_and_a_path_that_no_item_has_is_a_failed_read(api: WestApi) -> None:
    api.instead = b'{"data": {"items": [{"product": {"sku": "a"}, "stock": 3}, {"product": 1, "stock": {"free": 2}}]}}'
    assert source(api).read(WANTED, in_s(5)).columns == {"product.sku": ["a", None], "stock.free": [None, 2]}
    assert failure(api, ("product.code",)) == "no item has 'product.code'"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"data": {}}', "data.items: expected a list, found NoneType"),
        (b'{"data": {"items": {"a": 1}}}', "data.items: expected a list, found dict"),
        (b'{"data": {"items": []}, "links": {"next": 7}}', "links.next: expected an address, found int"),
        (b'{"data": {"items": []}, "links": {"next": "/stock"}}', "a page names one before it as the next"),
        (
            b'{"data": {"items": []}, "links": {"next": "http://169.254.169.254/"}}',
            "links.next: names another host, which isn't asked",
        ),
    ],
)
def test_an_answer_of_another_shape_is_a_failed_read(api: WestApi, body: bytes, says: str) -> None:
    api.instead = body
    assert failure(api) == says


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": {"items": [{"stock": {"free": NaN}}]}}', b'{"data": '])
def test_an_answer_that_is_no_json_is_a_failed_read(api: WestApi, body: bytes) -> None:
    api.instead = body
    assert failure(api).startswith("not JSON: ")


def test_another_status_a_larger_answer_more_rows_or_pages_are_failed_reads(api: WestApi) -> None:
    assert failure(api, max_rows=2) == "more than the 2 rows allowed"
    assert failure(api, max_pages=1) == "more than the 1 pages allowed"
    assert failure(api, max_bytes=20) == "answer larger than the 20 bytes allowed"
    api.status = 500
    assert failure(api) == "answered 500, expected 200"
    api.status = 302
    assert failure(api) == "answered 302, expected 200"


def test_a_service_that_hangs_is_a_failed_read_at_the_deadline(api: WestApi) -> None:
    api.hold = threading.Event()
    assert failure(api, within_s=0.2) == "no whole answer within the deadline"


def test_a_service_that_is_gone_is_a_failed_read_without_its_key(api: WestApi) -> None:
    api.url = "http://127.0.0.1:9/stock"
    assert failure(api) == "no whole answer: ConnectionError"
    assert TOKEN not in repr(source(api))
