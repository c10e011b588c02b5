"""The measures that settings make of objectives: what change of each is found, and what is passed."""

from slo.regression.measures import Kind, Measure
from slo.regression.settings import ComparisonSettings

ORDERS = "orders-per-session"


def latency_measure(
    name: str, steps: tuple[str, ...], settings: ComparisonSettings, *, source: str = "records"
) -> Measure:
    """Return the measure of a latency objective: the quantile of the settings, whatever threshold the objective has."""
    return Measure(
        name=name,
        kind=Kind.LATENCY,
        steps=steps,
        fail_over=settings.fail_ratio,
        pass_under=settings.pass_ratio,
        min_change_s=settings.min_change_ms / 1000,
        quantile=settings.quantile,
        source=source,
    )


def error_measure(
    name: str, steps: tuple[str, ...], budget_ratio: float, settings: ComparisonSettings, *, source: str = "records"
) -> Measure:
    """Return the measure of an objective of a bad ratio that may be `budget_ratio`."""
    return Measure(
        name=name,
        kind=Kind.ERRORS,
        steps=steps,
        fail_over=settings.fail_budget_share * budget_ratio,
        pass_under=settings.pass_budget_share * budget_ratio,
        source=source,
        budget_ratio=budget_ratio,
    )


def orders_measure(steps: tuple[str, ...], settings: ComparisonSettings, *, source: str = "records") -> Measure:
    """Return the measure of orders by started session."""
    return Measure(
        name=ORDERS,
        kind=Kind.ORDERS,
        steps=steps,
        fail_over=settings.fail_orders_share,
        pass_under=settings.pass_orders_share,
        source=source,
    )
