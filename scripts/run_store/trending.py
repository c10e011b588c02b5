"""`runs trend`: a season of one plan on one environment, as a table for the terminal and as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.run_store.entries import StoreEntry
from loadtests.run_store.season import NOT_JUDGED, day_of, headline, latency_names, plan_changes, shown_p95
from loadtests.run_store.store import Contents
from scripts.run_store.listing import unusable_lines
from slo.formatting import clean, clip

_MOST_COLUMNS, _COLUMN, _ROWS = 4, 18, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonRuns:
    """The runs of one plan on one environment, by time; `others` are those of another plan or environment.

    `earlier` are those of this season that came before the entries.
    """

    entries: tuple[StoreEntry, ...]
    others: int
    earlier: int = 0


def wanted(entries: Sequence[StoreEntry], plan: str | None, environment: str | None, most: int) -> SeasonRuns:
    """Return the last `most` runs of a plan on an environment: where one isn't named, those of the latest run."""
    timed = [one for one in entries if one.started_at is not None]
    named = [one for one in timed if plan in (None, one.plan) and environment in (None, one.environment)]
    if not named:
        return SeasonRuns(entries=(), others=len(timed))
    last = named[-1]
    found = tuple(one for one in named if (one.plan, one.environment) == (last.plan, last.environment))
    left_out = max(len(found) - most, 0)
    return SeasonRuns(entries=found[left_out:], others=len(entries) - len(found), earlier=left_out)


def terminal_table(season: SeasonRuns, contents: Contents) -> Iterator[str]:
    """Return the season's lines: a run a line, the latest last."""
    entries = season.entries
    if not entries:
        yield "no such run in the store: `peakproof runs put RUN` puts one into it"
        yield from unusable_lines(contents)
        return
    names = latency_names(entries)[:_MOST_COLUMNS]
    yield f"{clean(entries[-1].plan or 'unknown plan')} on {clean(entries[-1].environment or 'unknown environment')}"
    yield headline(entries)
    yield f"{'started (UTC)':<17} {'verdict':<13} {'release':<18}" + "".join(f" {_head(name)}" for name in names)
    for one in entries[-_ROWS:]:
        columns = "".join(f" {shown_p95(one, name):>{_COLUMN}}" for name in names)
        release = clip(clean(one.identity.release or "unknown"), 18)
        yield f"{day_of(one.started_at):<17} {clean(one.outcome or NOT_JUDGED):<13} {release:<18}{columns}"
    if len(entries) > _ROWS:
        yield f"and {len(entries) - _ROWS:,} earlier, on the page"
    yield from plan_changes(entries)
    yield from missing(season, contents)


def missing(season: SeasonRuns, contents: Contents) -> Iterator[str]:
    """Return what of the store isn't in the season, and why."""
    if season.earlier:
        yield f"{season.earlier:,} earlier runs are left out: --last N takes more"
    if season.others:
        yield f"{season.others:,} runs of other plans or environments are left out: --plan, --environment choose"
    yield from unusable_lines(contents)


def trend_page(season: SeasonRuns, contents: Contents) -> str:
    """Return the season's page."""
    from dashboards.trend.page import render_trend  # noqa: PLC0415 - takes a second, and a list of runs needs no page

    return render_trend(season.entries, [*missing(season, contents)])


def points_of(season: SeasonRuns) -> dict[str, Any]:
    """Return the season for programs: each run's entry, in the order of time."""
    return {"runs": [one.to_json() for one in season.entries], "others": season.others}


def _head(name: str) -> str:
    return f"{clip(clean(name), _COLUMN):>{_COLUMN}}"
