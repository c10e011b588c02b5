"""The past of the feed, written as blocks for Prometheus: a month of the objectives, a week of the shop's counters.

What a week ago is compared with is there second by second, the last hour each minute, everything else each five.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from exporters.names import probe
from scripts.drilling.history import make_blocks
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters
from slo.rules import names
from tests.promtool import PROMTOOL

MONTH_S, WEEK_S, DAY_S = 28 * 86_400, 7 * 86_400, 86_400
_COARSE_S, _MINUTE_S = 300, 60
# An alert on a budget's burn looks back an hour, for five minutes at each minute of it.
_NEAR_S = 4200
# As long as the feed is asked, and some.
_DENSE_S = 420
_ROUTES = (("GET", "/products/<style>"), ("POST", "/checkout"))
_LE = ("0.005", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A series with its labels and what it grows by in a second; a gauge stands at that."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    per_s: float
    is_gauge: bool = False

    def line(self, at_s: int, since_s: int) -> str:
        """Return one sample as OpenMetrics has it."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels)
        value = self.per_s if self.is_gauge else self.per_s * (at_s - since_s)
        return f"{self.metric}{{{labels}}} {value:g} {at_s}\n"


def requests_served(environment: str, *, healthy: bool = True) -> list[Past]:
    """Return what a shop counts of its requests, as OpenTelemetry names it; half of them fail where it isn't well."""
    shared = (("environment", environment), ("job", "shop"), ("instance", "past"))
    base = "http_server_request_duration_seconds"
    found = []
    statuses = (("200", 4.0), ("500", 0.02 if healthy else 2.0))
    for (method, route), (status, per_s) in product(_ROUTES, statuses):
        own = (*shared, ("http_route", route), ("http_request_method", method), ("http_response_status_code", status))
        found.append(Past(metric=f"{base}_count", labels=own, per_s=per_s))
        found.append(Past(metric=f"{base}_sum", labels=own, per_s=per_s * 0.05))
        found += [
            Past(metric=f"{base}_bucket", labels=(*own, ("le", le)), per_s=per_s * min(1.0, 0.3 * place))
            for place, le in enumerate(_LE)
        ]
    return found


def certificates(environment: str, now_s: int) -> list[Past]:
    """Return what the probe says of a host whose certificate should have been renewed; the stand-in has no TLS."""
    labels = (("environment", environment), ("target", "far"), ("module", "browse"), ("host", "far.example"))
    values = {
        probe.TLS_DURATION: 0.02,
        probe.CERTIFICATE_TRUSTED: 1,
        probe.CERTIFICATE_NOT_BEFORE: now_s - 85 * DAY_S,
        probe.CERTIFICATE_NOT_AFTER: now_s + 5 * DAY_S,
    }
    return [Past(metric=family.name, labels=labels, per_s=value, is_gauge=True) for family, value in values.items()]


def dropped(environment: str) -> Past:
    """Return what an exporter says that leaves series out."""
    labels = (("environment", environment), ("family", "inventory_available_units"))
    return Past(metric="inventory_exporter_series_dropped", labels=labels, per_s=3, is_gauge=True)


def _orders(environment: str) -> list[Past]:
    orders = (("environment", environment), ("job", "exporters"), ("instance", "past"))
    return [
        Past(metric="orders_placed_total", labels=orders, per_s=1.0),
        Past(metric="orders_revenue_cents_total", labels=orders, per_s=2500.0),
    ]


def recorded(objectives: Sequence[Objective], environment: str) -> list[Past]:
    """Return what the rules would have recorded of the objectives, five minutes by five minutes."""
    found = []
    counted = (one for one in objectives if isinstance(one.indicator.source, Counters))
    for objective in counted:
        labels = (("objective", objective.name), ("service", objective.service), ("environment", environment))
        found.append(Past(metric=names.events(300), labels=labels, per_s=10.0, is_gauge=True))
        good = 10.0 * (1 - objective.budget / 4)
        found.append(Past(metric=names.good_events(300), labels=labels, per_s=good, is_gauge=True))
    return found


def samples(of_a_week: Sequence[Past], of_a_month: Sequence[Past], now_s: int) -> Iterator[str]:
    """Yield every sample until now, one series after the other."""
    near = range(now_s - _NEAR_S, now_s - 60, _MINUTE_S)
    for past in of_a_month:
        moments = sorted({*range(now_s - MONTH_S, now_s - 60, _COARSE_S), *near})
        yield from (past.line(at_s, now_s - MONTH_S) for at_s in moments)
    dense = range(now_s - WEEK_S - 60, now_s - WEEK_S + _DENSE_S)
    for past in of_a_week:
        moments = sorted({*range(now_s - 2 * DAY_S, now_s - 60, _COARSE_S), *near, *dense})
        yield from (past.line(at_s, now_s - WEEK_S - 60) for at_s in moments)


def write_past(objectives: Sequence[Objective], healthy: str, faulty: str, now_s: int, data: Path) -> None:
    """Write all of two environments as blocks below `data`; raises EnvironmentLacks."""
    text = data.parent / "past.txt"
    week = [past for one in (healthy, faulty) for past in (*requests_served(one, healthy=one != faulty), *_orders(one))]
    month = [*recorded(objectives, healthy), *recorded(objectives, faulty)]
    with text.open("w") as file:
        file.writelines(samples(week, month, now_s))
        file.write("# EOF\n")
    make_blocks(Path(str(PROMTOOL)), text, data)
    text.unlink()
