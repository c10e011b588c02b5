"""docs/metrics.md lists every metric, and what is scraped is listed."""

from pathlib import Path
from typing import Any

import pytest
import requests

from exporters.config import SUBJECTS
from exporters.names.catalogue import FAMILIES
from exporters.serving.pages import Pages, listen
from exporters.serving.reloading import ReloadedPages
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource
from exporters.subjects import loadgen, orders, stock
from scripts import metrics_reference
from tests.exporters.fakes import FUNNEL, LIVE, STOCK, TOKEN, shop_admin
from tests.exporters.listed import unlisted
from tests.exporters.subjects.test_subjects import write_live

STOCK_HELP = f"# HELP shop_stock_units {FAMILIES['stock and orders of a run'][0].help}\n"


def test_the_reference_is_the_one_of_the_names_in_the_code() -> None:
    assert metrics_reference.FILE.read_bytes() == metrics_reference.rendered(), "make metrics"


def test_the_reference_holds_every_family_with_its_labels() -> None:
    text = metrics_reference.FILE.read_text()
    for families in FAMILIES.values():
        for family in families:
            (row,) = [line for line in text.splitlines() if line.startswith(f"| `{family.name}` |")]
            assert all(f"`{label}`" in row for label in family.labels)


def test_every_subject_that_can_be_configured_has_families_in_the_catalogue() -> None:
    assert set(SUBJECTS) - set(FAMILIES) == set()


def test_the_subjects_of_a_run_export_only_what_is_listed(tmp_path: Path) -> None:
    write_live(tmp_path, LIVE)
    with shop_admin() as shop:
        shop.says({**STOCK, **FUNNEL})
        source = AdminSource(url=shop.url, token=TOKEN)
        subjects: list[Subject[Any]] = [
            loadgen.subject(lambda: tmp_path),
            stock.subject(source),
            orders.subject(source),
        ]
        reloaded = ReloadedPages(lambda own: Pages(subjects, own=own), lambda: 1)
        (server,) = listen(reloaded.answer, [("127.0.0.1", 0)])
        text = requests.get(server.url + "/metrics", timeout=30).text
        server.stop()
    assert "peakproof_exporter_config_last_reload_successful 1.0" in text
    assert unlisted(text, "loadgen", "stock", "orders") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# TYPE made_up gauge\nmade_up 1\n", "made_up: not listed"),
        ("# TYPE stock_exporter_up gauge\nstock_exporter_up 1\n", "stock_exporter_up: not listed"),
        ("# TYPE loadtest_plan_factor counter\nloadtest_plan_factor 1\n", "loadtest_plan_factor_total: not listed"),
        (
            f'{STOCK_HELP}# TYPE shop_stock_units gauge\nshop_stock_units{{sku="a",le="1"}} 1\n',
            "shop_stock_units: the label le is not listed",
        ),
        (
            "# HELP shop_stock_units Other.\n# TYPE shop_stock_units gauge\n",
            "shop_stock_units: listed as gauge: Units in stock; below zero is oversold.",
        ),
    ],
)
def test_what_is_not_listed_is_named(text: str, found: str) -> None:
    assert unlisted(text, "loadgen") == [found]
