"""Whether every metric that is exported is on some dashboard: one that nobody can see is exported for nothing."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from dashboards.grafana.checks.finding import Finding
from dashboards.grafana.checks.promql.parse import NotPromQLError, parse
from dashboards.grafana.checks.promql.selectors import selectors
from dashboards.grafana.known_metrics import EXPORTED, METRICS
from dashboards.grafana.queries import expressions
from dashboards.grafana.upgrade import Json

_RATIO = "its burn rate is shown, which is the same ratio by the budget"
_GUARD = "guards alerts against low traffic; of the hour it is shown"
_BASE = "what the windows of days are made of: slo/rules/recordings.py"
UNUSED: Mapping[str, str] = MappingProxyType(
    {
        **{f"objective:errors:ratio_rate{window}": _RATIO for window in ("30m", "2h", "6h", "1d", "3d")},
        **{f"objective:events:increase{window}": _GUARD for window in ("6h", "1d", "3d")},
        "objective:events:rate5m": _BASE,
        "objective:good_events:rate5m": _BASE,
        "orders_counted_since_timestamp_seconds": "when the counters of a day began; rates don't need it",
        "shop_orders_total": "of a load test, whose orders are shown as its shoppers met them: loadtest_orders_total",
    }
)


def asked(boards: Iterable[Json]) -> frozenset[str]:
    """Return the families that the queries and annotations of dashboards ask for."""
    return frozenset(family for board in boards for expr in _exprs(board) for family in _families(expr))


def unshown(boards: Iterable[Json]) -> list[Finding]:
    """Return the exported families that are on no dashboard and not in UNUSED, and what stands there in vain."""
    shown = asked(boards)
    missing = (
        (one, "is exported and on no dashboard; show it, or say why not in UNUSED")
        for one in EXPORTED - shown - UNUSED.keys()
    )
    vain = (
        (one, "stands in UNUSED and is shown, or isn't exported")
        for one in UNUSED.keys() & shown | UNUSED.keys() - EXPORTED
    )
    return [Finding(rule="unused", where=name, message=message) for name, message in sorted((*missing, *vain))]


def _exprs(board: Json) -> Iterator[str]:
    yield from (target["expr"] for _, target in expressions(board))
    yield from (one["expr"] for one in board["annotations"]["list"] if "expr" in one)


def _families(expr: str) -> Iterator[str]:
    try:
        tree = parse(expr)
    except NotPromQLError:
        return
    yield from (METRICS[name].family for one in selectors(tree) if (name := one.name or "") in METRICS)
