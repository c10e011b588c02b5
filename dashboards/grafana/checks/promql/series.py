"""What is known of a query's answer without asking it: the labels that its series have, and what their values are."""

from dataclasses import dataclass, field

from dashboards.grafana.checks.promql.quantity import NUMBER, UNKNOWN, Quantity
from dashboards.grafana.known_metrics import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The series of a (sub)expression; `labels` are None where they can't be told.

    `raw` is set for the samples of a metric as they are, and `chosen` are the first metric's matchers. `bucket` is set
    for a histogram's buckets that aren't added up yet, `rated` once a counter's increase was taken. `may_be_empty` says
    that it has no series while all is well. `zero` is a vector whose every value is 0.
    """

    labels: frozenset[str] | None
    quantity: Quantity = UNKNOWN
    metrics: tuple[Metric, ...] = ()
    raw: Metric | None = None
    chosen: frozenset[str] = frozenset()
    bucket: Metric | None = None
    rated: bool = False
    is_quantile: bool = False
    is_scalar: bool = False
    is_now: bool = False
    may_be_empty: bool = False
    zero: bool = False
    number: float | None = None

    def has(self, label: str) -> bool:
        """Whether a series may have that label."""
        return self.labels is None or label in self.labels


UNKNOWN_SERIES = Series(labels=None)


def constant(value: float) -> Series:
    """Return a number."""
    return Series(labels=frozenset(), quantity=NUMBER, is_scalar=True, number=value, zero=not value)


@dataclass(slots=True, kw_only=True)
class Notes:
    """What was found wrong while a query was read, as (rule, sentence), in order and each once."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, rule: str, message: str) -> None:
        """Note a finding."""
        if (rule, message) not in self.found:
            self.found.append((rule, message))
