"""What a metric family is called on the wire, and prometheus-client's empty family of it."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family as it appears on the wire: counters carry their `_total`.

    `bounded_by` says what bounds the number of its series: every family with labels has it.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounded_by: str = ""


SOURCE, FAMILY = "source", "family"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The families that every subject has: two by source, also when that source can't be read, and what was cut."""

    subject: str

    @property
    def up(self) -> Family:
        """Whether the last read of a source succeeded."""
        return Family(
            name=f"{self.subject}_exporter_up",
            kind="gauge",
            help=f"1 when the last read of this source of {self.subject} succeeded, 0 when it failed.",
            labels=(SOURCE,),
            bounded_by="the sources that the configuration names",
        )

    @property
    def duration(self) -> Family:
        """How long the last read of a source took."""
        return Family(
            name=f"{self.subject}_exporter_scrape_duration_seconds",
            kind="gauge",
            help=f"How long the last read of this source of {self.subject} took.",
            labels=(SOURCE,),
            bounded_by="the sources that the configuration names",
        )

    @property
    def dropped(self) -> Family:
        """How many series a family has lost to the subject's ceiling; absent when it lost none."""
        return Family(
            name=f"{self.subject}_exporter_series_dropped",
            kind="gauge",
            help=f"Series of this family left out of the last scrape, because {self.subject} has more than it may.",
            labels=(FAMILY,),
            bounded_by="the families of the subject",
        )

    @property
    def families(self) -> tuple[Family, ...]:
        """All of them."""
        return self.up, self.duration, self.dropped


def le(value: float) -> str:
    """Return a bucket's upper bound as it stands in the label `le`."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def new_counter(family: Family) -> CounterMetricFamily:
    """Return a new, empty counter family."""
    return CounterMetricFamily(family.name, family.help, labels=family.labels)


def new_gauge(family: Family) -> GaugeMetricFamily:
    """Return a new, empty gauge family."""
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)


def new_histogram(family: Family) -> HistogramMetricFamily:
    """Return a new, empty histogram family."""
    return HistogramMetricFamily(family.name, family.help, labels=family.labels)
