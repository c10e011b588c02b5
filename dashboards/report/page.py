"""`report.html`: everything a run says, on one page without a script that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dashboards import formatting as words
from dashboards.report.browser import BrowserPage, browser_pages
from dashboards.report.charts import Chart, Charts, groups
from dashboards.report.records_query import SECOND_NS, Step, Store, orders_per_bin
from dashboards.report.run_files import Reading, read
from dashboards.report.stored_metrics import Answers, read_answers
from dashboards.report.summary import Fact, Hero, account, facts, hero, merged
from dashboards.report.traces import Trace, slowest
from loadtests.results.run_directory import write_bytes
from slo.verdict.verdict_document import CauseEntry, FindingEntry

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SEVERITIES = ("fail", "inconclusive", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the templates show; what is missing is None or empty, and stands among the reading's gaps."""

    reading: Reading
    hero: Hero
    facts: Sequence[Fact]
    findings: Sequence[FindingEntry]
    account: Sequence[tuple[str, int | None]]
    load: Sequence[Chart]
    latency: Sequence[Chart]
    distributions: Sequence[Chart]
    orders: Chart | None
    lateness: Chart | None
    answered: Sequence[Chart]
    answers: Answers
    steps: Sequence[Step]
    error_words: Sequence[str]
    browser: Sequence[BrowserPage]
    requests_outside: int
    causes: Sequence[tuple[CauseEntry, str]]
    traces: Sequence[Trace]
    bin_s: int
    parts: Mapping[str, int]


def write_report(run_path: Path) -> Path:
    """Write `report.html` into the run directory, whole or not at all, and return its path.

    Whatever is missing from the run, or can't be read, is named on the page. Raises BadInput when `run_path` is
    not a directory.
    """
    reading = read(run_path)
    page = render(reading)
    write_bytes(reading.directory.report, page.encode("utf-8", "replace"))
    return reading.directory.report


def render(reading: Reading) -> str:
    """Return the page's HTML for a run directory already read."""
    store = Store(reading)
    try:
        page = _page(reading, store)
    finally:
        store.close()
    style = Markup(_template("style.css"))  # noqa: S704 - a file of this package
    return _templates().get_template("report.html.j2").render(page=page, style=style, csp=CSP)


def _page(reading: Reading, store: Store) -> Page:
    charts = Charts(reading, store)
    verdict = reading.verdict
    looked_at = groups((verdict and verdict.objectives) or ())
    order_time = store.time.coarse(_attempted(reading))
    orders = orders_per_bin(reading.directory.ledgers(), order_time, reading.gaps)
    answers = read_answers(reading, store.time)
    steps = store.steps()
    empty = store.time.ends_at == store.time.starts_at
    return Page(
        reading=reading,
        hero=hero(reading),
        facts=facts(reading, steps, store),
        findings=_by_severity((verdict and verdict.findings) or ()),
        account=account(reading, store),
        load=[] if empty else charts.load(),
        latency=[chart for group in looked_at if (chart := charts.latency(group))],
        distributions=[chart for group in looked_at if (chart := charts.distribution(group))],
        orders=charts.orders(orders, order_time),
        lateness=charts.lateness(),
        answered=[charts.answered(picture) for picture in answers.pictures],
        answers=answers,
        steps=steps,
        error_words=sorted({word for step in steps for word in step.errors_by_word}),
        browser=browser_pages(reading),
        requests_outside=store.requests_outside(),
        causes=merged((verdict and verdict.causes) or ()),
        traces=slowest(store),
        bin_s=store.time.bin_s,
        parts=store.found,
    )


def _attempted(reading: Reading) -> int:
    orders = reading.run.orders if reading.run else None
    return (orders.attempted if orders else None) or 0


def _by_severity(findings: Sequence[FindingEntry]) -> list[FindingEntry]:
    order = {name: place for place, name in enumerate(_SEVERITIES)}
    return sorted(findings, key=lambda finding: order.get(finding.severity, len(order)))


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {name: getattr(words, name) for name in ("count", "seconds", "percent", "moment", "clock")}
    environment.filters["length_words"] = words.length
    environment.filters["ns_seconds"] = lambda ns: ns / SECOND_NS
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    """Return what a template prints: nothing known as a dash, text without what can't be printed."""
    if value is None:
        return words.UNKNOWN
    return words.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str) -> str:
    return (files("dashboards.report") / "templates" / name).read_text(encoding="utf-8")
