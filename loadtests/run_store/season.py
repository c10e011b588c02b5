"""What runs of one plan on one environment show over a season, in words and figures."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from loadtests.run_store.entries import ObjectiveFigures, StoreEntry
from slo.formatting import count, seconds
from slo.outcomes import Outcome

NOT_JUDGED = "not judged"
_UNKNOWN = "–"
_VERDICTS = tuple(one.value for one in Outcome)


def day_of(at: int | None) -> str:
    """Return a moment (ns) in UTC to the minute, a dash where it isn't known."""
    return _UNKNOWN if at is None else f"{datetime.fromtimestamp(at / 1e9, tz=UTC):%Y-%m-%d %H:%M}"


def latency_names(entries: Sequence[StoreEntry]) -> tuple[str, ...]:
    """Return the latency objectives that any of the runs has, those of the latest first."""
    return tuple(
        dict.fromkeys(one.name for entry in reversed(entries) for one in entry.objectives if one.indicator == "latency")
    )


def headline(entries: Sequence[StoreEntry]) -> str:
    """Return in a sentence how the runs ended."""
    words = [one.outcome or NOT_JUDGED for one in entries]
    counted = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys([*_VERDICTS, *words]) if word in words)
    releases = len({one.identity.release for one in entries})
    return f"{count(len(entries))} runs of {count(releases)} release{'s' * (releases != 1)}: {counted}"


def plan_changes(entries: Sequence[StoreEntry]) -> tuple[str, ...]:
    """Return from which runs on another plan of the same name was played: figures across that don't compare."""
    return tuple(
        f"from {day_of(after.started_at)} on the plan is another one of the same name"
        for before, after in pairwise(entries)
        if before.plan_sha256 != after.plan_sha256
    )


def figure_of(entry: StoreEntry, name: str) -> ObjectiveFigures | None:
    """Return a run's figures of one objective, None where it hadn't that objective."""
    return next((one for one in entry.objectives if one.name == name), None)


def shown_p95(entry: StoreEntry, name: str) -> str:
    """Return a run's p95 in words: a dash without the objective, `failed` where the request at the quantile failed."""
    figure = figure_of(entry, name)
    if figure is None or not figure.requests:
        return _UNKNOWN
    return "failed" if figure.p95_s is None else seconds(figure.p95_s)
