"""The ways of docs/incident.md: from a fault's place on the first screen to the panels that say why."""

from dataclasses import dataclass

from tests.dashboards.walk.screen import Reader, Seen, Window, changed

PROVIDER_DOWN = "payment-provider-down"
ERRORS, LATENCY = "Errors by route, the five worst", "Latency p95 by route, the five slowest"
PAYMENTS, ORDERS = "Payments without an order, by provider", "Orders a minute, against expected"
STOCK, QUEUE = "Stock by location: oversold, drift, out of stock", "Print queue: oldest"
ALERTS = "Alerts: what is broken, since when"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A panel of a board, and the line or the cell in it that changes."""

    panel: str
    line: str
    board: str = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From a fault's place on the first screen to the panels that the click on it leads to."""

    fault: str
    place: Shown
    then: tuple[Shown, ...]


WAYS = (
    Way(
        fault="slow-checkout",
        place=Shown(panel=LATENCY, line="shop /checkout"),
        then=(
            Shown(board="shop-health", panel="Latency: p50, p95, p99", line="p95"),
            Shown(board="traces", panel="Calls of the ten busiest", line="shop SELECT stock"),
            Shown(board="traces", panel="Spans inside a request, by service", line="shop"),
        ),
    ),
    Way(
        fault="double-charge",
        place=Shown(panel=PAYMENTS, line="captured without an order"),
        then=(Shown(board="business", panel="Captured without an order", line="of the payments captured"),),
    ),
    Way(
        fault="lost-webhook",
        place=Shown(panel=PAYMENTS, line="captured without an order"),
        then=(Shown(board="business", panel="Orders not paid yet", line="pending"),),
    ),
    Way(
        fault="repeated-webhook",
        place=Shown(panel=STOCK, line="warehouse shop: Drift"),
        then=(Shown(board="inventory", panel="Drift by location", line="warehouse standing"),),
    ),
    Way(
        fault="oversell",
        place=Shown(panel=STOCK, line="store-leeds shop: Drift"),
        then=(Shown(board="inventory", panel="Drift by location", line="store-leeds standing"),),
    ),
    Way(
        fault="locked-out",
        place=Shown(panel=ERRORS, line="shop /login/callback"),
        then=(Shown(board="shop-health", panel="Replies by status", line="423"),),
    ),
    Way(
        fault="late-orders",
        place=Shown(panel=QUEUE, line="waits"),
        then=(Shown(board="business", panel="Age of the print queue", line="oldest"),),
    ),
    Way(
        fault=PROVIDER_DOWN,
        place=Shown(panel=ERRORS, line="shop /checkout"),
        then=(
            Shown(board="shop-health", panel="Replies by status", line="503"),
            Shown(board="traces", panel="Failed spans of the ten most failing", line="shop POST"),
        ),
    ),
)


def both(reader: Reader, shown: Shown, healthy: Window, window: Window) -> tuple[Seen, Seen]:
    """Return what the panel showed in health and in the window."""
    return reader.see(shown.board, shown.panel, healthy), reader.see(shown.board, shown.panel, window)


def not_shown(reader: Reader, way: Way, healthy: Window, window: Window) -> list[str]:
    """Return the panels of the way that haven't changed visibly in the window, with the lines that have."""
    seen = both(reader, way.place, healthy, window)
    moved = changed(*seen)
    if way.place.line not in moved:
        return [f"{way.place.board}: {way.place.panel}: {way.place.line} is not in {moved}"]
    missing = []
    for shown in way.then:
        led = reader.follow(way.place.board, way.place.panel, shown.board, seen[1][way.place.line])
        if shown.line not in (moved := changed(*both(led, shown, healthy, window))):
            missing.append(f"{shown.board}: {shown.panel}: {shown.line} is not in {moved}")
    return missing
