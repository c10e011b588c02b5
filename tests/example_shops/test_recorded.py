"""A recorded visit to a real shop becomes a storefront that buys, with at most ten lines changed by hand."""

import gzip
import json
from pathlib import Path

import pytest

from loadtests.har.importing import import_visit
from loadtests.har.reading import read_har
from loadtests.storefronts import load_storefront
from tests.example_shops.recorded import VISITS, changed_lines, mend, recordings

MOST_CHANGED = 10
MOST_BYTES = 300_000
LONG = 16
SHOPS = ("medusa", "oscar", "vendure")


@pytest.fixture(scope="module", params=SHOPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def draft(name: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    visit, again = recordings(name, tmp_path_factory.mktemp(name))
    return import_visit(read_har(visit), read_har(again)).draft.text


def test_a_draft_changed_by_hand_is_a_storefront_whose_shoppers_browse_and_buy(
    name: str, draft: str, tmp_path: Path
) -> None:
    (tmp_path / "storefront.py").write_text(draft)
    mend(tmp_path, name)
    journeys = load_storefront(tmp_path / "storefront.py").journeys
    assert {journey.name: journey.buys for journey in journeys.values()} == {"window-shop": False, "buy": True}
    assert changed_lines(name) <= MOST_CHANGED


def test_a_draft_holds_no_secret_and_no_id_of_the_shop_that_was_recorded(draft: str) -> None:
    assert "_01" not in draft  # how a ULID of these days begins
    for recorded in ("cookie-", "pk_example", "tok_ok", "csrfmiddlewaretoken", "ada@example.com"):
        assert recorded not in draft


def test_the_recordings_are_small_and_hold_no_cookie_and_no_key() -> None:
    packed = [VISITS / f"{shop}{which}.har.gz" for shop in SHOPS for which in ("", "-again")]
    assert sorted(VISITS.glob("*.gz")) == sorted(packed)
    assert sum(path.stat().st_size for path in packed) < MOST_BYTES
    for path in packed:
        text = gzip.decompress(path.read_bytes()).decode()
        entries = json.loads(text)["log"]["entries"]
        cookies = [
            one["value"] for entry in entries for side in ("request", "response") for one in entry[side]["cookies"]
        ]
        assert [one for one in cookies if len(one) >= LONG and not one.startswith("cookie-")] == []
        assert text.count("pk_") == text.count("pk_example")


def test_of_two_links_that_two_shoppers_followed_any_will_do(tmp_path: Path) -> None:
    visit, again = map(read_har, recordings("oscar", tmp_path))
    either, category = 'a[href^="/en-gb/catalogue/category/"]', 'a[href="/en-gb/catalogue/category/knitwear_1/"]'
    assert f"self.pick(catalogue.select('{either}'))" in import_visit(visit, again).draft.text
    assert f"catalogue.one('{category}')" in import_visit(visit).draft.text
