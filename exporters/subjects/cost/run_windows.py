"""The load tests below runs/ on one environment, and what each cost: as billed, or an estimate until then."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from exporters.serving.source import Unreadable
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput

MOST = 20
_MOST_LOOKED_AT = 200
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9._-]{1,100}")
_HOUR, _HOURS_A_WEEK = timedelta(hours=1), 168
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWindow:
    """When a run was under way."""

    run: str
    starts_at: datetime
    ends_at: datetime

    @property
    def hours(self) -> float:
        """How long it took."""
        return (self.ends_at - self.starts_at) / _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """What the tagged resources cost during a run; `is_billed` tells the bill's own figure from an estimate."""

    run: str
    cost: float
    is_billed: bool


def run_windows(runs: Path, environment: str) -> tuple[RunWindow, ...]:
    """Return the newest 20 runs on `environment` that have ended; raises Unreadable without a folder of runs."""
    try:
        names = sorted((path for path in runs.iterdir() if _RUN_NAME.fullmatch(path.name)), reverse=True)
    except OSError as error:
        raise Unreadable(f"{runs}: can't be read: {error.strerror}") from error
    windows = (_window(path, environment) for path in names[:_MOST_LOOKED_AT])
    return tuple(window for window in windows if window is not None)[:MOST]


def _window(path: Path, environment: str) -> RunWindow | None:
    try:
        run = read_run(RunDirectory(path=path))
    except BadInput:
        return None  # it may be written at this moment, or be damaged: its cost isn't known
    if run.environment is None or run.environment.name != environment:
        return None
    if run.started_at is None or run.ended_at is None or run.ended_at <= run.started_at:
        return None
    starts_at, ends_at = (datetime.fromtimestamp(at / 1e9, UTC) for at in (run.started_at, run.ended_at))
    return RunWindow(run=path.name, starts_at=starts_at, ends_at=ends_at)


def run_cost(window: RunWindow, hours: Mapping[datetime, float], complete: Sequence[date]) -> RunCost | None:
    """Return what a run cost, of the tagged resources' cost by the hour; None where the bill doesn't say.

    All that they cost while it ran, idle or not. Until the days of the run are complete it is an estimate: its length
    times their mean hour of the last 7 complete days, which must be there and hold some.
    """
    if not complete:
        return None
    begins, ends = _midnight(complete[0]), _midnight(complete[-1]) + timedelta(days=1)
    if window.starts_at < begins:
        return None
    if window.ends_at <= ends:
        cost = math.fsum(hours.get(hour, 0.0) * share for hour, share in _shares(window))
        known = any(begins <= hour < ends for hour in hours)
        return RunCost(run=window.run, cost=cost, is_billed=True) if known else None
    week = [cost for hour, cost in hours.items() if ends - timedelta(days=_WEEK) <= hour < ends]
    if len(complete) < _WEEK or not week:
        return None
    return RunCost(run=window.run, cost=math.fsum(week) / _HOURS_A_WEEK * window.hours, is_billed=False)


def _shares(window: RunWindow) -> list[tuple[datetime, float]]:
    """Return each hour that a run touches, and which part of it."""
    hour = window.starts_at.replace(minute=0, second=0, microsecond=0)
    found = []
    while hour < window.ends_at:
        part = min(window.ends_at, hour + _HOUR) - max(window.starts_at, hour)
        found.append((hour, part / _HOUR))
        hour += _HOUR
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
