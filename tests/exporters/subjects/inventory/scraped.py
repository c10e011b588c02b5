"""A configuration of the inventory scraped once: what is up, and every sample."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric

from exporters.context import ExporterContext
from exporters.serving.scrape import Scraper
from exporters.serving.source import Deadline
from exporters.subjects.inventory.config import InventoryConfig
from exporters.subjects.inventory.subject import subject
from exporters.subjects.inventory.values import Value
from slo.documents import validate

Samples = Mapping[tuple[str, ...], float]
NS = 1_000_000_000


def context(
    folder: Path, variables: Mapping[str, str] | None = None, now: Callable[[], int] = time.time_ns
) -> ExporterContext:
    """Return a context whose paths are in `folder`."""
    return ExporterContext(variables=variables or {}, folder=folder, runs=folder, now=now)


def inventory(document: Mapping[str, Any]) -> InventoryConfig:
    """Return the configuration as it is read from YAML."""
    return validate(dict(document), InventoryConfig, "exporters.yaml")


def samples_of(families: tuple[Metric, ...] | list[Metric]) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and label values, in the order of the labels' names."""
    found: dict[tuple[str, ...], float] = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, *(sample.labels[name] for name in sorted(sample.labels)))
            assert key not in found, f"{key} twice"
            found[key] = sample.value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What one scrape gave."""

    up: Mapping[str, bool]
    samples: Samples
    took_s: float

    def of(self, name: str, *labels: str) -> float | None:
        """Return a sample's value, None where there is none."""
        return self.samples.get((name, *labels))

    def by(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the samples of a family by their label values."""
        return {key[1:]: value for key, value in self.samples.items() if key[0] == name}


class Exporter:
    """The subject of a configuration, scraped when it is asked to."""

    def __init__(self, document: Mapping[str, Any], context: ExporterContext) -> None:
        self.scraper: Scraper[Value] = Scraper(subject(inventory(document), context))

    def scrape(self, within_s: float = 20) -> Scrape:
        """Scrape once."""
        begun = time.monotonic()
        scraped = self.scraper.begin(Deadline(at=begun + within_s))()
        assert scraped.dropped == {}
        return Scrape(up=scraped.up, samples=samples_of(scraped.families), took_s=time.monotonic() - begun)
