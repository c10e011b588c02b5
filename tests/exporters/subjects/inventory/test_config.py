"""What a configuration of the inventory may say, and the message for what it may not."""

from typing import Any

import pytest

from slo.documents import BadInput
from tests.exporters.subjects.inventory.scraped import inventory
from tests.exporters.subjects.inventory.test_families import PLACES, SOLD, SOURCE


def refusal(**settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        inventory({**PLACES, **settings})
    return str(caught.value).partition(", found ")[0]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"locations": {"sales": SOURCE}}, "the top: locations: sales: is the name of another source"),
        ({"dead_after_days": 90}, "the top: dead_after_days: needs sales"),
        (
            {"dead_after_days": 90, "sales": SOLD},
            "the top: dead_after_days: needs sales.columns.last_sold_at, or sales over a window as long",
        ),
        (
            {"top_skus": 5, "alerts": {"short_skus": 5}},
            "the top: alerts.short_skus: must be less than top_skus, or the alert can't fire",
        ),
        (
            {"locations": {"a": {**SOURCE, "csv": {"path": "x", "max_age_s": 60}}}},
            "locations.a: stale_after_s: must be no more than csv.max_age_s, after which the file isn't read",
        ),
        ({"locations": {"a": {"columns": SOURCE["columns"]}}}, "locations.a: must have one of sql, csv and http_json"),
        (
            {"locations": {"a": {**SOURCE, "time_zone": "Mars/Olympus"}}},
            "locations.a.time_zone: must be a time zone of the tz database, as Europe/Berlin is",
        ),
        ({"locations": {"a": {**SOURCE, "colums": {}}}}, "locations.a.colums: unknown key"),
        ({"locations": {}}, "locations: Dictionary should have at least 1 item after validation, not 0"),
    ],
)
def test_what_does_not_hold_together_is_refused_with_its_place(settings: dict[str, Any], says: str) -> None:
    assert refusal(**settings) == f"exporters.yaml: {says}"


def test_two_kinds_of_source_at_once_are_refused() -> None:
    both = {**SOURCE, "http_json": {"url": "http://127.0.0.1/stock"}}
    assert refusal(locations={"a": both}) == "exporters.yaml: locations.a: must have one of sql, csv and http_json"
