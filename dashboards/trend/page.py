"""`trend.html`: one chart an objective and a table of all runs, without scripts, from what a store keeps for years."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.charts.season import FAIL, OTHER, PASS, Season, SeasonPoint, season
from dashboards.charts.svg import draw
from dashboards.charts.vega_specs import NARROW, WIDE
from dashboards.formatting import count, moment, percent, seconds
from dashboards.report.charts import Chart
from dashboards.report.templating import page_from
from loadtests.run_store.entries import StoreEntry
from loadtests.run_store.season import NOT_JUDGED, figure_of, headline, latency_names, plan_changes, shown_p95

MAX_ROWS = 400
_TONES = {PASS: "good", FAIL: "bad", OTHER: "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One run in the table; `figures` in the order of the page's objectives."""

    entry: StoreEntry
    at: str
    verdict: str
    tone: str
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPage:
    """All that the template shows; `missing` says what of the store isn't on the page, and why."""

    title: str
    headline: str
    charts: tuple[Chart, ...]
    objectives: tuple[str, ...]
    rows: tuple[TrendRow, ...]
    rows_left_out: int
    changes: tuple[str, ...]
    missing: tuple[str, ...]


def render_trend(entries: Sequence[StoreEntry], missing: Sequence[str]) -> str:
    """Return the page of some runs of one plan on one environment, at least one, in the order of time."""
    objectives = latency_names(entries)
    last = entries[-1]
    page = TrendPage(
        title=f"{last.plan or 'unknown plan'} on {last.environment or 'unknown environment'}",
        headline=headline(entries),
        charts=tuple(_chart(name, entries, place) for place, name in enumerate(objectives)),
        objectives=objectives,
        rows=tuple(_row(one, objectives) for one in reversed(entries[-MAX_ROWS:])),
        rows_left_out=max(len(entries) - MAX_ROWS, 0),
        changes=plan_changes(entries),
        missing=tuple(missing),
    )
    return page_from("trend.html.j2", page=page)


def _chart(name: str, entries: Sequence[StoreEntry], place: int) -> Chart:
    figures = [figure_of(entry, name) for entry in entries]
    threshold = next((one.threshold_s for one in reversed(figures) if one and one.threshold_s), None)
    drawn = Season(
        points=[
            SeasonPoint(
                at=entry.started_at or 0,
                value_s=figure.p95_s if figure else None,
                verdict=entry.outcome or OTHER,
                release=entry.identity.release or "unknown",
                segment=entry.plan_sha256 or "unknown",
                hint=f"{moment(entry.started_at)}, {entry.identity.release or 'unknown release'}:"
                f" p95 {shown_p95(entry, name)}, {entry.outcome or NOT_JUDGED}",
            )
            for entry, figure in zip(entries, figures, strict=True)
        ],
        limit=(threshold, f"limit {seconds(threshold)}") if threshold else None,
    )
    label = f"95th percentile of {name} by run, with each run's verdict"
    wide, narrow = (draw(season(drawn, width), f"trend{place}-{width}", label) for width in (WIDE, NARROW))
    return Chart(title=name, note=_note(name, entries), wide=wide, narrow=narrow)


def _note(name: str, entries: Sequence[StoreEntry]) -> str:
    figures = [(entry, figure_of(entry, name)) for entry in entries]
    missing = sum(figure is None or figure.p95_s is None for _, figure in figures)
    same_plan = [figure for entry, figure in figures if entry.plan_sha256 == entries[-1].plan_sha256]
    known = [one.p95_s for one in same_plan if one is not None and one.p95_s is not None]
    gap = f" {count(missing)} without a p95 (?)." if missing else ""
    if len(known) < 2 or not known[0]:  # noqa: PLR2004 - a change needs two
        return f"p95 from the schedule, a run a point.{gap}"
    change = known[-1] / known[0] - 1
    of_plan = " of this plan" if len(same_plan) < len(entries) else ""
    word = f"{percent(abs(change))} {'slower' if change > 0 else 'faster'} than" if change else "as slow as"
    return f"p95 from the schedule, a run a point; the last is {word} the first{of_plan}.{gap}"


def _row(entry: StoreEntry, objectives: Sequence[str]) -> TrendRow:
    verdict = entry.outcome or NOT_JUDGED
    return TrendRow(
        entry=entry,
        at=moment(entry.started_at),
        verdict=verdict,
        tone=_TONES.get(verdict, "quiet"),
        figures=tuple(shown_p95(entry, name) for name in objectives),
    )
