"""`report.html`: everything that is known of a run, on one page without scripts that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards.report.answers import Answer, answers
from dashboards.report.browser import BrowserPage, browser_pages
from dashboards.report.charts import Chart, Charts, groups
from dashboards.report.felt import Felt, felt
from dashboards.report.felt_chart import felt_chart
from dashboards.report.records_query import Step, Store, orders_per_bin
from dashboards.report.replies import StepReplies, wrong_replies
from dashboards.report.run_files import Reading, read
from dashboards.report.stored_metrics import Answers, read_answers
from dashboards.report.summary import Fact, Hero, account, facts, hero, merged
from dashboards.report.templating import page_from
from dashboards.report.traces import Trace, slowest
from dashboards.report.verdict_lines import FindingLine, ObjectiveLine, finding_lines, objective_lines, why_no_cause
from loadtests.results.run_directory import write_bytes
from slo.verdict.verdict_document import CauseEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the templates show; what is missing is None or empty, and stands among the reading's gaps."""

    reading: Reading
    hero: Hero
    facts: Sequence[Fact]
    questions: Sequence[Answer]
    findings: Sequence[FindingLine]
    objectives: Sequence[ObjectiveLine]
    felt: Felt
    felt_chart: Chart | None
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
    replies: Sequence[StepReplies]
    browser: Sequence[BrowserPage]
    requests_outside: int
    causes: Sequence[tuple[CauseEntry, str]]
    why_no_cause: Sequence[str]
    traces: Sequence[Trace]
    bin_s: int
    parts: Mapping[str, int]


def write_report(run_path: Path, flaws: Sequence[tuple[str, str]] = ()) -> Path:
    """Write `report.html` into the run directory, whole or not at all, and return its path.

    `flaws` are files of evidence, each with what is wrong with it: the page names them in place of a verdict.

    Whatever is missing from the run, or can't be read, is named on the page. Raises BadInput when `run_path` is
    not a directory.
    """
    return write_page(read(run_path, flaws))


def write_page(reading: Reading) -> Path:
    """Write `report.html` of a run directory already read; afterwards `reading.gaps` has all that it doesn't show."""
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
    return page_from("report.html.j2", page=page)


def _page(reading: Reading, store: Store) -> Page:
    charts = Charts(reading, store)
    verdict = reading.verdict
    looked_at = groups((verdict and verdict.objectives) or ())
    order_time = store.time.coarse(_attempted(reading))
    orders = orders_per_bin(reading.directory.ledgers(), order_time, reading.gaps)
    stored = read_answers(reading, store.time)
    objectives = objective_lines(verdict)
    waiting = felt(reading, store)
    steps = store.steps()
    empty = store.time.ends_at == store.time.starts_at
    return Page(
        reading=reading,
        hero=hero(reading),
        facts=facts(reading, steps, store),
        questions=answers(reading),
        findings=finding_lines((verdict and verdict.findings) or (), objectives),
        objectives=objectives,
        felt=waiting,
        felt_chart=felt_chart(waiting, "felt"),
        account=account(reading, store),
        load=[] if empty else charts.load(),
        latency=[chart for group in looked_at if (chart := charts.latency(group))],
        distributions=[chart for group in looked_at if (chart := charts.distribution(group))],
        orders=charts.orders(orders, order_time),
        lateness=charts.lateness(),
        answered=[charts.answered(panel) for panel in stored.panels],
        answers=stored,
        steps=steps,
        error_words=sorted({word for step in steps for word in step.errors_by_word}),
        replies=wrong_replies(reading, steps),
        browser=browser_pages(reading),
        requests_outside=store.requests_outside(),
        causes=merged((verdict and verdict.causes) or ()),
        why_no_cause=why_no_cause(verdict),
        traces=slowest(store),
        bin_s=store.time.bin_s,
        parts=store.found,
    )


def _attempted(reading: Reading) -> int:
    orders = reading.run.orders if reading.run else None
    return (orders.attempted if orders else None) or 0
