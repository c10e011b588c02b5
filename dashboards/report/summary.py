"""The head of the page, read in three seconds: the outcome, its reason, and five figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.formatting import UNKNOWN, count, length, percent, seconds
from dashboards.report.records_query import SECOND_NS, Step, Store
from dashboards.report.run_files import Reading
from loadtests.demand.visits import ASSET_STEPS
from slo.validity.run_document import OrderCounts
from slo.verdict.verdict_document import CauseEntry

_MARKS = {"PASS": "✓", "FAIL": "✕", "INCONCLUSIVE": "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hero:
    """The head of the page; `tone` is a CSS class, `about` what was judged, empty where the verdict doesn't say."""

    word: str
    mark: str
    tone: str
    about: str
    headline: str
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One figure with its name and what to hold it against."""

    name: str
    value: str
    beside: str
    tone: str = ""


def hero(reading: Reading) -> Hero:
    """Return the outcome; without a verdict, that there is none and how the run ended."""
    verdict = reading.verdict
    if verdict and verdict.outcome in _MARKS:
        return Hero(
            word=verdict.outcome,
            mark=_MARKS[verdict.outcome],
            tone=verdict.outcome.lower(),
            about=verdict.about.line if verdict.about else "",
            headline=_reason(verdict.headline, verdict.outcome),
            exit_code=verdict.exit_code,
        )
    return Hero(word="NOT JUDGED", mark="–", tone="unjudged", about="", headline=_unjudged(reading), exit_code=None)


def _reason(headline: str | None, outcome: str) -> str:
    """Return the headline without the outcome, which stands above it."""
    return (headline or "").removeprefix(outcome).lstrip(":,. ") or "The verdict gives no reason."


def _unjudged(reading: Reading) -> str:
    run = reading.run
    if reading.untrusted is not None:
        return f"No verdict is shown: {reading.untrusted}."
    if run is None:
        return "There is no verdict, and what the run was can't be read."
    if run.ended is None:
        return "There is no verdict: the run did not come to its end."
    because = f": {run.ended_because}" if run.ended_because else ""
    return f"There is no verdict; the run {run.ended}{because}."


def facts(reading: Reading, steps: Sequence[Step], store: Store) -> list[Fact]:
    """Return the load delivered, the orders, the errors and the slowest limit, each against its measure."""
    return [_delivered(reading), _orders(reading), _errors(steps), _slowest(reading, steps), _played(reading, store)]


def _delivered(reading: Reading) -> Fact:
    run = reading.run
    known = run.account if run else None
    if not known or not known.planned:
        return Fact(name="Load delivered", value=UNKNOWN, beside="not known")
    lost = sum((known.dropped or {}).values()) + sum((known.lost or {}).values()) + (known.not_due or 0)
    started = known.planned - lost
    tone = "" if lost == 0 else "warn"
    beside = f"{count(started)} of {count(known.planned)} sessions"
    return Fact(name="Load delivered", value=percent(started / known.planned), beside=beside, tone=tone)


def _orders(reading: Reading) -> Fact:
    orders = (reading.run and reading.run.orders) or OrderCounts()
    beside = f"{count(orders.refused)} refused, {count(orders.unknown)} unknown"
    return Fact(name="Orders accepted", value=count(orders.accepted), beside=beside)


def _errors(steps: Sequence[Step]) -> Fact:
    steps = [step for step in steps if step.step not in ASSET_STEPS]  # many, they would hide those of the visits
    requests, errors = sum(step.requests for step in steps), sum(step.errors for step in steps)
    if not requests:
        return Fact(name="Errors", value=UNKNOWN, beside="no request in the judged time")
    return Fact(
        name="Errors", value=percent(errors / requests), beside=f"{count(errors)} of {count(requests)} judged requests"
    )


def _slowest(reading: Reading, steps: Sequence[Step]) -> Fact:
    """Return the latency objective nearest to, or furthest over, its limit."""
    objectives = (reading.verdict and reading.verdict.objectives) or ()
    known = [
        (value / one.threshold_s, value, one)
        for one in objectives
        if (value := one.quantile_or_least_s) is not None and one.threshold_s
    ]
    if known:
        share, value, one = max(known, key=lambda item: item[0])
        quantile = f"p{count((one.target or 0) * 100)}"
        least = "at least " if one.observed_quantile_s is None else ""
        beside = f"{quantile}, {one.display_name or one.name}; limit {seconds(one.threshold_s)}"
        tone = "bad" if share > 1 else ""
        return Fact(name="Tightest latency", value=f"{least}{seconds(value)}", beside=beside, tone=tone)
    slow = [(step.quantiles_s[1], step.step) for step in steps if step.quantiles_s and step.step not in ASSET_STEPS]
    if not slow:
        return Fact(name="Slowest step", value=UNKNOWN, beside="no request in the judged time")
    return Fact(name="Slowest step", value=seconds(max(slow)[0]), beside=f"p95 of {max(slow)[1]}")


def _played(reading: Reading, store: Store) -> Fact:
    run = reading.run
    ended = f"{run.ended or 'not ended'}" if run else "not known"
    because = f"{ended}: {run.ended_because}" if run and run.ended_because else ended
    value = length(store.time.length_s) if store.time.length_s else UNKNOWN
    if run and run.started_at and run.ended_at and run.ended_at >= run.started_at:
        value = length((run.ended_at - run.started_at) / SECOND_NS)
    return Fact(name="Played", value=value, beside=because, tone="" if ended == "completed" else "warn")


def merged(causes: Sequence[CauseEntry]) -> list[tuple[CauseEntry, str]]:
    """Return each cause once, with the names of all objectives it was found for."""
    found: dict[tuple[object, ...], tuple[CauseEntry, list[str]]] = {}
    for cause in causes:
        same = (cause.service, cause.span, cause.self_s_before, cause.self_s_now, cause.grew_s)
        found.setdefault(same, (cause, []))[1].append(cause.objective or "")
    return [(cause, ", ".join(name for name in names if name)) for cause, names in found.values()]


def account(reading: Reading, store: Store) -> list[tuple[str, int | None]]:
    """Return how every arrival ended; from the sessions' own records where run.json holds no account."""
    known = reading.run.account if reading.run else None
    if known is None:
        return [(f"{name} (from the sessions' records)", number) for name, number in store.session_outcomes().items()]
    rows: list[tuple[str, int | None]] = [
        ("completed", known.completed),
        ("failed", known.failed),
        ("cut off by the run's end", known.cut_off),
    ]
    rows += [(f"dropped: {reason}", number) for reason, number in (known.dropped or {}).items()]
    rows += [(f"lost with {worker}", number) for worker, number in (known.lost or {}).items()]
    return [*rows, ("not due before the run ended", known.not_due), ("planned", known.planned)]
