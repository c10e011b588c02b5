"""What a board's panels show of an exporter's pages, by a Prometheus that holds them.

Each scene is an environment of its own, so one Prometheus holds healthy pages and those of every fault, and a query
that forgets to select its environment shows.
"""

import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dashboards.grafana.queries import fill, panels, unchosen
from dashboards.grafana.upgrade import Json
from exporters.serving.scrape import ScrapeCollector, Scraper
from exporters.serving.source import Deadline
from scripts.drilling.history import make_blocks
from scripts.drilling.prometheus import DrillPrometheus
from scripts.drilling.series import number
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Prometheus, Series
from slo.objectives.selectors import quoted
from tests.ports import free_port
from tests.promtool import PROMTOOL

PROMETHEUS = os.environ.get("PEAKPROOF_PROMETHEUS") or shutil.which("prometheus")
NEEDED = pytest.mark.skipif(not (PROMETHEUS and PROMTOOL), reason="prometheus and promtool are not both on PATH")
STEP_S, SHOWN_S = 60, 600
Rows = Mapping[tuple[str, ...], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the exporter answered at a moment, in seconds since 1970."""

    at_s: float
    text: str


def scrape(scraper: Scraper[Any]) -> str:
    """Return the page of one scrape."""
    registry = CollectorRegistry()
    ScrapeCollector(scraper.health, scraper.begin(Deadline(at=Deadline(at=0).clock() + 30)), registry)
    return generate_latest(registry).decode()


class Board:
    """A dashboard over a Prometheus; every answer is of the ten minutes before `now_s`."""

    def __init__(self, dashboard: Json, prometheus: Prometheus, now_s: float) -> None:
        self._panels = {panel["title"]: panel for panel in panels(dashboard)}
        self._prometheus, self._now_ns = prometheus, round(now_s * 1e9)
        self._variables = {**unchosen(dashboard), "__rate_interval": "1m"}
        self._variables |= {"__range": f"{SHOWN_S}s", "__range_s": f"{SHOWN_S}"}

    @property
    def titles(self) -> list[str]:
        """The titles of its panels."""
        return list(self._panels)

    def nothing(self, title: str) -> str:
        """Return what it says where a panel is empty."""
        return str(self._panels[title]["fieldConfig"]["defaults"].get("noValue", ""))

    def answers(self, title: str, environment: str, **chosen: str) -> list[tuple[Series, ...]]:
        """Return each query's series that hold a number at all."""
        variables = {**self._variables, "environment": environment, **chosen}
        return [self._answer(target, variables) for target in self._panels[title]["targets"]]

    def _answer(self, target: Json, variables: Mapping[str, str]) -> tuple[Series, ...]:
        begin_ns = self._now_ns - (0 if target["instant"] else SHOWN_S * 10**9)
        found = self._prometheus.range(fill(target["expr"], variables), begin_ns, self._now_ns, STEP_S)
        return tuple(one for one in found if any(math.isfinite(value) for value in one.value))

    def silent(self, environment: str) -> list[str]:
        """Return the panels that are empty and don't say what that means."""
        return [title for title in self.titles if not self.nothing(title) and not any(self.answers(title, environment))]

    def answering(self, environment: str, **chosen: str) -> list[str]:
        """Return the panels that have data."""
        return [title for title in self.titles if any(self.answers(title, environment, **chosen))]

    def never_answered(self, environments: Iterable[str]) -> list[str]:
        """Return the queries that have no data in any of the environments."""
        everywhere = list(environments)
        unanswered = {
            title: [any(found) for found in zip(*(self.answers(title, one) for one in everywhere), strict=True)]
            for title in self.titles
        }
        return [
            f"{title}: {target['expr']}"
            for title, answered in unanswered.items()
            for target, has_data in zip(self._panels[title]["targets"], answered, strict=True)
            if not has_data
        ]

    def last(self, title: str, environment: str, **chosen: str) -> dict[str, float]:
        """Return the value of each series that has one now, by its legend."""
        targets = self._panels[title]["targets"]
        shown: dict[str, float] = {}
        for target, series in zip(targets, self.answers(title, environment, **chosen), strict=True):
            for one in (one for one in series if one.at[-1] == self._now_ns):
                legend = _legend(target["legendFormat"], one.labels)
                assert legend not in shown, f"{title}: two lines are called {legend}"
                shown[legend] = one.value[-1]
        return shown

    def rows(self, title: str, environment: str, **chosen: str) -> Rows:
        """Return a table's rows: figures by their headings, by the texts of the other columns."""
        panel = self._panels[title]
        (organized,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
        names: dict[str, str] = organized["renameByName"]
        values = ["Value"] if len(panel["targets"]) == 1 else [f"Value #{one['refId']}" for one in panel["targets"]]
        rows: dict[tuple[str, ...], dict[str, float]] = {}
        for value, series in zip(values, self.answers(title, environment, **chosen), strict=True):
            for one in series:
                texts = tuple(one.labels.get(name, "") for name in names if not name.startswith("Value"))
                row = rows.setdefault(texts, {})
                assert names[value] not in row, f"{title}: two rows are called {texts}"
                row[names[value]] = one.value[-1]
        return rows


def _legend(template: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), template)


@contextmanager
def prometheus_of(scenes: Mapping[str, Sequence[Page]], folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that has scraped each scene's pages, as an environment of that name."""
    if not (PROMETHEUS and PROMTOOL):
        pytest.skip("prometheus and promtool are not both on PATH")
    text, data, config = folder / "pages.txt", folder / "data", folder / "prometheus.yml"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(line for environment, pages in scenes.items() for line in _samples(environment, pages))
        file.write("# EOF\n")
    make_blocks(Path(PROMTOOL), text, data)
    config.write_text("global: {}\n")
    program = DrillPrometheus(program=Path(PROMETHEUS), port=free_port(), data=data, environment=os.environ)
    with Children(folder / "logs") as children:
        yield program.start(children, config)[0]


def _samples(environment: str, pages: Iterable[Page]) -> Iterator[str]:
    for page in pages:
        for family in text_string_to_metric_families(page.text):
            for sample in family.samples:
                labels = {**sample.labels, "environment": environment}
                named = ",".join(f"{name}={quoted(text)}" for name, text in labels.items())
                yield f"{sample.name}{{{named}}} {number(sample.value)} {page.at_s:.3f}\n"
