"""What is worth waking or asking somebody for, of the inventory; thresholds come from its configuration."""

import math

from exporters.alerts import health
from exporters.names import inventory as names
from exporters.sources.csv_drop import DAY_S
from exporters.subjects.inventory.config import FORECAST, SALES, SEASON, WEB_SHOP, InventoryConfig
from exporters.subjects.inventory.families import RECENT
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Boundary, Case, Level, Signal

SUBJECT = "inventory"
TWO_SCRAPES_S = 120
_TWO_SCRAPES = "Two minutes are two scrapes at the advised interval: a read that falls between two bookings passes."
DELIVERY_S = 3600
_FAULT_S = 600
_SCRAPE_S = 60  # a sample is as old as that when it is looked at


def alerts(config: InventoryConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts of what is configured."""
    locations = tuple(config.locations)
    found = [*health.alerts(SUBJECT, sources(config), scope), _oversold(locations, scope)]
    if config.web_shop is not None and (compared := [n for n in locations if config.locations[n].in_web_shop]):
        found.append(_drift(config, compared[0], scope))
    if config.sales is not None or config.season is not None:
        found.append(_cover(config, scope))
    if timed := {name: one.stale_after_s for name, one in config.locations.items() if one.tells_time}:
        found.append(_stale(timed, scope))
    if {one.kind for one in config.locations.values()} == {"warehouse", "store"}:
        found.append(_warehouse_out(config, scope))
    return tuple(found)


def sources(config: InventoryConfig) -> tuple[str, ...]:
    """Return the names of the sources that a configuration has."""
    others = {WEB_SHOP: config.web_shop, SALES: config.sales, SEASON: config.season, FORECAST: config.season}
    return (*config.locations, *(name for name, part in others.items() if part is not None))


def _oversold(locations: tuple[str, ...], scope: Scope) -> Alert:
    at = ((names.LOCATION, locations[0]),)
    case = Case(
        name="inventory-oversold",
        signals=(
            Signal(
                metric=names.OVERSOLD_UNITS.name,
                labels=(*at, (names.SKU, names.OTHER)),
                healthy=Level(value=0),
                faulty=Level(value=1),
            ),
        ),
        fires_after_s=TWO_SCRAPES_S,
        clears_after_s=0,
        fault_s=_FAULT_S,
        labels=at,
    )
    return Alert(
        name="InventoryOversold",
        expr=f"{_by_location(names.OVERSOLD_UNITS.name, scope)} > 0",
        for_s=TWO_SCRAPES_S,
        severity="page",
        summary="{{ $labels.location }} has promised {{ $value }} units that it doesn't have.",
        description="Every order for such a SKU that is accepted now is one more customer to disappoint.",
        reason=f"One unit is one broken promise, so the threshold is none. {_TWO_SCRAPES}",
        runbook="inventory-oversold",
        exporter=SUBJECT,
        cases=(case,),
    )


def _drift(config: InventoryConfig, location: str, scope: Scope) -> Alert:
    limits = config.alerts
    standing = f"max by (location) ({scope.selector(names.DRIFT_STANDING_UNITS.name)})"
    held = _by_location(names.AVAILABLE_UNITS.name, scope)
    few = _drift_case("inventory-stock-drift-of-few-units", location, limits.drift_units, limits.drift_units)
    many_held = math.ceil((limits.drift_units + 1) / limits.drift_ratio) if limits.drift_ratio else 1
    many = _drift_case("inventory-stock-drift", location, max(limits.drift_units, _share(config, many_held)), many_held)
    within = f"The shop is told of a change within {config.sync_within_s:g} s, so only what has stood longer counts"
    least = f"less than {limits.drift_ratio:.3g} of the units, or {limits.drift_units} units, is what counting errs by"
    return Alert(
        name="InventoryStockDrift",
        expr=f"{standing} > {limits.drift_units} and {standing} > {limits.drift_ratio:g} * clamp_min({held}, 0)",
        for_s=TWO_SCRAPES_S,
        severity="ticket",
        summary="The web shop and {{ $labels.location }} disagree by {{ $value }} units, and stay so.",
        description="Where the shop's number is higher it sells what isn't there; where it is lower, units lie unsold.",
        reason=f"{within}; {least}. {_TWO_SCRAPES}",
        runbook="inventory-stock-drift",
        exporter=SUBJECT,
        cases=(few, many),
    )


def _share(config: InventoryConfig, held: int) -> int:
    """Return the most units of `held` that may drift."""
    return math.floor(config.alerts.drift_ratio * held)


def _drift_case(name: str, location: str, most: int, held: int) -> Case:
    """Return a case in which `most` units drift in health and one more under the fault, of `held`."""
    at = ((names.LOCATION, location),)
    drifting = Signal(
        metric=names.DRIFT_STANDING_UNITS.name, labels=at, healthy=Level(value=most), faulty=Level(value=most + 1)
    )
    return Case(
        name=name,
        signals=(drifting, _steady(names.AVAILABLE_UNITS.name, (*at, (names.SKU, names.OTHER)), held)),
        fires_after_s=TWO_SCRAPES_S,
        clears_after_s=0,
        fault_s=_FAULT_S,
        labels=at,
    )


def _steady(metric: str, labels: tuple[tuple[str, str], ...], value: float) -> Signal:
    return Signal(metric=metric, labels=labels, healthy=Level(value=value), faulty=Level(value=value))


def _cover(config: InventoryConfig, scope: Scope) -> Alert:
    lead_s = config.lead_time_days * DAY_S
    demand = ((names.DEMAND, RECENT if config.sales is not None else SEASON),)
    most = config.alerts.short_skus
    signals = tuple(
        Signal(
            metric=names.COVER.name,
            labels=(*demand, (names.SKU, f"TT-{1001 + number}")),
            healthy=Level(value=lead_s if number == most else lead_s - 1),
            faulty=Level(value=lead_s - 1),
        )
        for number in range(most + 1)
    )
    case = Case(
        name="inventory-cover-short",
        signals=signals,
        fires_after_s=DELIVERY_S,
        clears_after_s=0,
        fault_s=DELIVERY_S + _FAULT_S,
        labels=demand,
    )
    cover = f"min by (demand, sku) ({scope.selector(names.COVER.name)})"
    return Alert(
        name="InventoryCoverShort",
        expr=f"count by (demand) ({cover} < {lead_s:.0f}) > {most}",
        for_s=DELIVERY_S,
        severity="ticket",
        summary="{{ $value }} SKUs are used up before an order placed now arrives ({{ $labels.demand }} demand).",
        description="At the rate of sales the units of all locations together last less than the lead time.",
        reason=f"An order takes {config.lead_time_days:g} days to arrive: what lasts less is sold out before."
        f" {most} such SKUs are put up with. An hour passes until a delivery is booked in.",
        runbook="inventory-cover-short",
        exporter=SUBJECT,
        cases=(case,),
    )


def _stale(limits: dict[str, float], scope: Scope) -> Alert:
    ages = {name: f"time() - {scope.selector(names.DATA_TIME.name, _at(name))}" for name in limits}
    branches = [f"{ages[name]} > {limit:.0f}" for name, limit in limits.items()]
    each = ", ".join(f"{name} {limit:g} s" for name, limit in limits.items())
    return Alert(
        name="InventoryCountStale",
        expr=" or ".join(branches),
        for_s=TWO_SCRAPES_S,
        severity="ticket",
        summary="The numbers of {{ $labels.location }} are {{ $value | humanizeDuration }} old.",
        description="Its system answers, but nothing in it has changed for longer than it ever should.",
        reason=f"Each location's stale_after_s: {each}. {_TWO_SCRAPES}",
        runbook="inventory-count-stale",
        exporter=SUBJECT,
        cases=tuple(_stale_case(name, limit) for name, limit in limits.items()),
        boundaries=(_old_elsewhere(2 * max(limits.values())),),
    )


def _old_elsewhere(age_s: float) -> Boundary:
    """Return a location of whose age nothing was said."""
    old = Ago(seconds=round(age_s))
    signal = Signal(metric=names.DATA_TIME.name, labels=((names.LOCATION, "elsewhere"),), healthy=old, faulty=old)
    return Boundary(name="inventory-count-old-elsewhere", signals=(signal,), fires=False, fault_s=_FAULT_S)


def _stale_case(location: str, limit_s: float) -> Case:
    at = ((names.LOCATION, location),)
    aging = Signal(
        metric=names.DATA_TIME.name,
        labels=at,
        healthy=Ago(seconds=round(limit_s) - _SCRAPE_S),
        faulty=Ago(seconds=round(limit_s) + _SCRAPE_S),
    )
    return Case(
        name=f"inventory-count-stale-{location}",
        signals=(aging,),
        fires_after_s=TWO_SCRAPES_S,
        clears_after_s=0,
        fault_s=_FAULT_S,
        labels=at,
    )


def _by_location(metric: str, scope: Scope) -> str:
    """Return the sum over SKUs at each location, which a second replica of the exporter doesn't double."""
    return f"sum by (location) (max by (location, sku) ({scope.selector(metric)}))"


def _at(location: str) -> str:
    return f'{names.LOCATION}="{location}"'


def _warehouse_out(config: InventoryConfig, scope: Scope) -> Alert:
    most = config.alerts.warehouse_out_skus
    case = Case(
        name="inventory-warehouse-out",
        signals=(
            Signal(metric=names.WAREHOUSE_OUT_SKUS.name, healthy=Level(value=most), faulty=Level(value=most + 1)),
        ),
        fires_after_s=DELIVERY_S,
        clears_after_s=0,
        fault_s=DELIVERY_S + _FAULT_S,
    )
    return Alert(
        name="InventoryWarehouseOutStoreHas",
        expr=f"{scope.selector(names.WAREHOUSE_OUT_SKUS.name)} > {most}",
        for_s=DELIVERY_S,
        severity="ticket",
        summary="The warehouse is out of {{ $value }} SKUs that stores still have.",
        description="The web shop turns buyers away, or will, while units lie in a store.",
        reason=f"{most} such SKUs are put up with. An hour passes until a delivery is booked in.",
        runbook="inventory-warehouse-out",
        exporter=SUBJECT,
        cases=(case,),
    )
