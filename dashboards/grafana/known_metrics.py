"""Every series that a board may ask for, with its kind and labels: what ours export and record, and what others do.

Names are those on the wire: a histogram is its `_bucket`, `_sum` and `_count`. Whatever is scraped has `TARGET_LABELS`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from dashboards.grafana.others_metrics import OTHERS, PROMETHEUS, SERVER
from exporters.names.catalogue import FAMILIES
from exporters.names.family import Family, Health
from slo import burn_rates
from slo.rules import names
from slo.rules.promql import duration

Kind = Literal["counter", "gauge", "bucket"]
TARGET_LABELS = frozenset({"job", "instance", "environment"})
RULE_LABELS = frozenset({names.OBJECTIVE, names.SERVICE, "environment"})
OBJECTIVES, ALERTS = "objectives", "alerts"
# What each run's own Prometheus scrapes: docs/contracts.md.
RUN_SUBJECTS = frozenset({"loadgen", "spans", SERVER, PROMETHEUS})
_SUBJECTS_WITH_HEALTH = ("inventory", "orders", "recovery", "probe", "releases", "cost", "loadgen", "stock")
_DAY_S = burn_rates.DAY_S
# The windows of slo/rules/recordings.py, and the periods that objectives have in practice.
_BASE_S = 300
_WINDOWS_S = sorted({_BASE_S, *(s for one in burn_rates.WINDOWS for s in (one.long_s, one.short_s))})
_PERIODS_S = tuple(days * _DAY_S for days in (7, 28, 30, 90))
# The values that a label of this name can have, where they are few and fixed.
VALUES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "alertstate": frozenset({"pending", "firing"}),
        "severity": frozenset({"page", "ticket"}),
        "span_kind": frozenset(
            f"SPAN_KIND_{kind}" for kind in ("SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER")
        ),
        "status_code": frozenset({"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"}),
    }
)
# The jobs of docs/contracts.md and of docker/prometheus/prometheus.yml, and those of single exporters.
_OF_A_RUN = ("shop", "payments", "loadgen", "stock", "orders", "spans", "prometheus")
JOBS = frozenset({*_OF_A_RUN, "recorder", "exporters", "alertmanager", *_SUBJECTS_WITH_HEALTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A series' name with what is known of it; `subject` is what exports it, `says` what it is in words."""

    name: str
    kind: Kind
    labels: frozenset[str]
    subject: str
    family: str
    says: str = ""


def _on_the_wire(family: Family, subject: str) -> Iterator[Metric]:
    name, labels = family.name, frozenset(family.labels) | TARGET_LABELS
    if family.kind != "histogram":
        yield Metric(name=name, kind=family.kind, labels=labels, subject=subject, family=name, says=family.help)
        return
    yield Metric(name=f"{name}_bucket", kind="bucket", labels=labels | {"le"}, subject=subject, family=name)
    for suffix in ("sum", "count"):
        yield Metric(name=f"{name}_{suffix}", kind="counter", labels=labels, subject=subject, family=name)


def _exported() -> Iterator[Metric]:
    for subject, families in FAMILIES.items():
        for family in families:
            yield from _on_the_wire(family, subject)
    for subject in _SUBJECTS_WITH_HEALTH:
        for family in Health(subject=subject).families:
            yield from _on_the_wire(family, subject)


def _recorded() -> Iterator[Metric]:
    long_s = sorted({window.long_s for window in burn_rates.WINDOWS})
    fixed = [value for value in vars(names).values() if isinstance(value, str) and value.startswith("objective:")]
    every = [name(window) for name in (names.error_ratio, names.burn_rate) for window in (*_WINDOWS_S, *_PERIODS_S)]
    counted = [names.counted(window) for window in long_s]
    covered = [names.coverage(window) for window in (*long_s, *_PERIODS_S)]
    for name in (*fixed, *every, *counted, *covered, names.good_events(_BASE_S), names.events(_BASE_S)):
        yield Metric(name=name, kind="gauge", labels=RULE_LABELS, subject=OBJECTIVES, family=name)


def _alerts() -> Iterator[Metric]:
    """Yield the series of alerts (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/)."""
    labels = RULE_LABELS | TARGET_LABELS | {"alertname", names.SEVERITY, names.CAUSE, "exporter"}
    labels |= {names.LONG_WINDOW, names.SHORT_WINDOW}
    labels |= {label for families in FAMILIES.values() for family in families for label in family.labels}
    for name, own in (("ALERTS", labels | {"alertstate"}), ("ALERTS_FOR_STATE", labels)):
        yield Metric(name=name, kind="gauge", labels=frozenset(own), subject=ALERTS, family=name)


def _of_others() -> Iterator[Metric]:
    for one in OTHERS:
        yield from _on_the_wire(one.family, one.subject)


def _all() -> Iterator[Metric]:
    for made in (_exported, _recorded, _alerts, _of_others):
        yield from made()


METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _all()})
EXPORTED: frozenset[str] = frozenset(metric.family for metric in _exported()) | frozenset(
    metric.family for metric in _recorded() if not metric.name.endswith(tuple(duration(s) for s in _PERIODS_S))
)
