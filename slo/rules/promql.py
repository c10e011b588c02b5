"""PromQL as text: durations, matchers, numbers, and the selectors of an objective's good and total events."""

import re
from dataclasses import dataclass

from slo.objectives.selectors import Matcher, Selector, quoted
from slo.objectives.sources import Counters
from slo.rules.scope import Scope

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_DIGITS = 9


def duration(seconds: int) -> str:
    """Return a duration in the largest unit that it is a whole number of, such as 28d or 90m."""
    return next(f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0)


def number(value: float) -> str:
    """Return a number in plain digits, without the noise of binary fractions."""
    text = f"{value:.{_DIGITS}g}"
    return text if "e" not in text else f"{value:.15f}".rstrip("0").rstrip(".")


def matcher(one: Matcher) -> str:
    """Return a matcher as text."""
    return f"{one.label}{one.op}{quoted(one.value)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The selectors of an objective's events in one environment.

    `total` selects all. `good` those that are good: an event without the label that tells good from bad isn't.
    `known` selects the series that could hold good ones. Where those exist and none is good, there are 0 good events;
    where it selects nothing (a bucket that isn't exposed, a label that was renamed), their number is unknown.
    """

    good: str
    total: str
    known: str

    @classmethod
    def of(cls, source: Counters, scope: Scope) -> "Events":
        """Return the selectors of a source in the environment of `scope`."""
        total = [matcher(one) for one in source.total.matchers]
        good = [*(matcher(one) for one in source.good.matchers), *_present(source, also_without=False)]
        known = scope.selector(source.total.metric, *total)
        if same_family(source):
            bucket = [matcher(one) for one in telling_matchers(source) if one.label == "le"]
            known = scope.selector(source.good.metric, *total, *bucket, *_present(source, also_without=True))
        return cls(
            good=scope.selector(source.good.metric, *good),
            total=scope.selector(source.total.metric, *total),
            known=known,
        )


def telling_matchers(source: Counters) -> tuple[Matcher, ...]:
    """Return the matchers of good that total doesn't have: those that tell good events from bad ones."""
    return tuple(one for one in source.good.matchers if one not in source.total.matchers)


def same_family(source: Counters) -> bool:
    """Whether good and total are series of one metric family, so that good's labels are those of total."""
    return _family(source.good) == _family(source.total)


def job_matchers(source: Counters) -> tuple[str, ...]:
    """Return the matchers on `job` and `instance` of total: those that select its scrape targets' `up`."""
    return tuple(matcher(one) for one in source.total.matchers if one.label in ("job", "instance"))


def _present(source: Counters, *, also_without: bool) -> list[str]:
    """Return matchers for the telling labels to be there: all of them, or those that a series without would match."""
    telling = (one for one in telling_matchers(source) if one.label != "le" and not asks_for_absence(one))
    return [f'{one.label}!=""' for one in telling if also_without or _matches_nothing(one)]


def _family(selector: Selector) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", selector.metric)


def asks_for_absence(one: Matcher) -> bool:
    """Whether only a series without the label matches, as where an error is what has a label of its own."""
    return one.op in ("=", "=~") and one.value == ""


def _matches_nothing(one: Matcher) -> bool:
    """Whether a series without the label matches."""
    if one.op in ("=", "!="):
        return (one.value == "") == (one.op == "=")
    return matches(one.value, "") == (one.op == "=~")


def matches(regex: str, value: str) -> bool:
    """Whether the whole of `value` matches; a syntax that only Prometheus' engine (RE2) has matches nothing."""
    try:
        return re.fullmatch(regex, value) is not None
    except re.error:
        return False
