"""Series that an objective's selectors select: one whose events are good, one whose events aren't.

promtool's tests and the alert drill play them, so a label gets a value that its matchers allow.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from slo.objectives.selectors import Matcher, Selector
from slo.objectives.sources import Counters
from slo.rules.promql import matches, same_family, telling_matchers
from slo.rules.signals import Course, Rate, Signal

_USUAL = (
    "200",
    "503",
    "404",
    "301",
    "100",
    "0",
    "1",
    "GET",
    "POST",
    "ok",
    "OK",
    "error",
    "ERROR",
    "true",
    "false",
    "x",
)
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The series of one objective: each a metric and its labels.

    `bad` is the series that counts bad events alone, or where good events are counted apart (a bucket of a histogram,
    another counter) the one that counts all. `has_bucket` holds for such a bucket; `bad_bucket` is the one of bad
    events, where a label tells them apart.
    """

    good: tuple[str, Labels]
    bad: tuple[str, Labels]
    bad_counts_all: bool
    has_bucket: bool = False
    bad_bucket: tuple[str, Labels] | None = None

    @classmethod
    def of(cls, source: Counters) -> "Example":
        """Return the series of a source; raises ValueError for a label of which no value is found."""
        labels = _labels([*source.good.matchers, *(m for m in source.total.matchers if same_family(source))])
        if source.good.metric != source.total.metric:
            total = [*source.total.matchers, *_shared(source)]
            return cls(
                good=(source.good.metric, labels),
                bad=(source.total.metric, _labels(total)),
                bad_counts_all=True,
                has_bucket=same_family(source),
                bad_bucket=_bad_bucket(source) if same_family(source) else None,
            )
        return cls(
            good=(source.good.metric, labels), bad=(source.total.metric, _bad_labels(source)), bad_counts_all=False
        )

    def signals(self, per_s: float, error_ratio: float) -> tuple[Signal, ...]:
        """Return steady traffic without errors, of which under the fault `error_ratio` is bad."""
        bad: tuple[Course, Course] = Rate(per_s=0), Rate(per_s=per_s * error_ratio)
        if self.bad_counts_all:
            bad = Rate(per_s=per_s), Rate(per_s=per_s)
        return (
            self.signal(self.good, Rate(per_s=per_s), Rate(per_s=per_s * (1 - error_ratio))),
            self.signal(self.bad, *bad),
        )

    def nothing_good(self, per_s: float) -> tuple[tuple[str, Labels, Rate], ...]:
        """Return the series that there are where each event so far was bad: no good one was ever born."""
        rate = Rate(per_s=per_s)
        if self.bad_bucket is not None:
            metric, labels = self.bad_bucket
            counted = tuple(one for one in labels if one[0] != "le")
            return (metric, labels, rate), (self.bad[0], counted, rate)
        # A histogram exposes all of its buckets at once: the one of good events is there, and stands still.
        still = ((*self.good, Rate(per_s=0)),) if self.has_bucket else ()
        return (*still, (*self.bad, rate))

    def both(self, healthy: Course, faulty: Course) -> tuple[Signal, ...]:
        """Return all its series taking the same course."""
        return self.signal(self.good, healthy, faulty), self.signal(self.bad, healthy, faulty)

    @staticmethod
    def signal(series: tuple[str, Labels], healthy: Course, faulty: Course) -> Signal:
        """Return one series as a signal."""
        return Signal(metric=series[0], labels=series[1], healthy=healthy, faulty=faulty)


def target_of(selector: Selector) -> Labels:
    """Return the labels of a scrape target that the selector's `job` and `instance` select."""
    found = dict(_labels(one for one in selector.matchers if one.label in ("job", "instance")))
    return tuple({"instance": "example:9090", **found}.items())


def _shared(source: Counters) -> list[Matcher]:
    """Return what tells good from bad and isn't the bucket: the count beside it has these labels too."""
    return [one for one in telling_matchers(source) if one.label != "le"] if same_family(source) else []


def _bad_bucket(source: Counters) -> tuple[str, Labels] | None:
    """Return the bucket of bad events; None where nothing but the bucket tells them from good ones."""
    if not _shared(source):
        return None
    try:
        return source.good.metric, _bad_labels(source)
    except ValueError:
        return None


def _bad_labels(source: Counters) -> Labels:
    """Return labels that total selects and good doesn't, of which the bucket is the last to differ."""
    for wanted in sorted(telling_matchers(source), key=lambda one: one.label == "le"):
        others = [one for one in source.total.matchers if one.label != wanted.label]
        here = [one for one in source.total.matchers if one.label == wanted.label]
        for value in _candidates([wanted, *here]):
            if value and not allows(wanted, value) and all(allows(one, value) for one in here):
                kept = [one for one in telling_matchers(source) if one.label != wanted.label]
                return tuple({**dict(_labels([*others, *kept])), wanted.label: value}.items())
    raise ValueError("good selects all that total does: no event could be bad")


def _labels(matchers: Iterable[Matcher]) -> Labels:
    by_label: dict[str, list[Matcher]] = {}
    for one in matchers:
        by_label.setdefault(one.label, []).append(one)
    return tuple((label, value) for label, of in by_label.items() if (value := _value(label, of)))


def _value(label: str, of: list[Matcher]) -> str:
    for value in _candidates(of):
        if all(allows(one, value) for one in of):
            return value
    raise ValueError(f"no example of a {label} was found that matches {' and '.join(one.op + one.value for one in of)}")


def _candidates(of: Iterable[Matcher]) -> Iterator[str]:
    of = list(of)
    yield from (one.value for one in of if one.op == "=")
    for one in of:
        if one.op in ("=~", "!~"):
            yield from (_simplest(part) for part in re.split(r"\|", one.value))
            yield _simplest(one.value)
    yield from _USUAL
    yield from (one.value for one in of if one.op == "!=")
    yield ""


def _simplest(regex: str) -> str:
    """Return a guess at a short text that a simple regex matches; the caller tries it."""
    text = re.sub(r"\(\?:|[()^$]", "", regex)
    text = re.sub(r"\[\^[^\]]*\]|\.[*+]|\\w", "x", text)
    text = re.sub(r"\[(.)[^\]]*\]", r"\1", text)
    text = re.sub(r"\\d|(?<!\\)\.", "0", text)
    return re.sub(r"[*+?]|\{[^}]*\}|\\", "", text)


def allows(one: Matcher, value: str) -> bool:
    """Whether a label of this value matches."""
    if one.op in ("=", "!="):
        return (value == one.value) == (one.op == "=")
    return matches(one.value, value) == (one.op == "=~")
