"""An environment of targets.yaml, its orders as a subject, and what a scrape of it shows."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from exporters.context import ExporterContext
from exporters.serving.scrape import ScrapeCollector, Scraper, Subject
from exporters.serving.source import Deadline
from exporters.subjects.orders.config import OrdersConfig
from exporters.subjects.orders.record_sources import subject_of
from tests.exporters.fakes import Samples, samples
from tests.exporters.subjects.orders.test_order_book import NOON

VARIABLE = "SHOP_TOKEN"


def targets(folder: Path, **declared: object) -> Path:
    """Write a targets.yaml of one environment, `shop`."""
    environment = {
        "base_url": "http://127.0.0.1:1",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "token_env": VARIABLE,
        **declared,
    }
    path = folder / "targets.yaml"
    path.write_text(yaml.safe_dump({"format": "peakproof/targets/v1", "environments": {"shop": environment}}))
    return path


def context(folder: Path, token: str, now: Callable[[], int] = lambda: NOON) -> ExporterContext:
    return ExporterContext(variables={VARIABLE: token}, folder=folder, runs=folder, now=now)


def orders_subject(given: ExporterContext, **changes: Any) -> Subject[Any]:
    """Return the subject `orders` of the environment `shop`, read at most every second."""
    return subject_of(OrdersConfig.model_validate({"environment": "shop", "every_s": 1, **changes}), given)


def not_at_midnight() -> None:
    """Skip a test of the real time where the counters would start again in the middle of it."""
    if time.time() % 86_400 > 86_400 - 120 or time.time() % 86_400 < 60:
        pytest.skip("it is about midnight (UTC), when the counters start again")


def exposition(subject: Subject[Any], within_s: float = 30.0) -> str:
    """Return what one scrape of a subject gives."""
    registry = CollectorRegistry()
    scraper = Scraper(subject)
    deadline = Deadline(at=Deadline(at=0).clock() + within_s)
    ScrapeCollector(scraper.health, scraper.begin(deadline), registry)
    return generate_latest(registry).decode()


def scraped(subject: Subject[Any], within_s: float = 30.0) -> Samples:
    """Return the samples of one scrape."""
    return samples(exposition(subject, within_s))


def of(found: Mapping[tuple[str, ...], float], name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of one name, by their labels."""
    return {tuple(labels): value for (sample, *labels), value in found.items() if sample == name}
