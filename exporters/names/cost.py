"""What the cloud costs, from bills in the FOCUS format; amounts are in the currency that their label names."""

from exporters.names.family import SOURCE, Family

CURRENCY, SERVICE, CATEGORY, REASON, RUN = "currency", "service_name", "charge_category", "reason", "run"
OTHER = "other"
_BILLS = "the bills that the configuration names, and their currencies, at most 10 each"
_TOP = f"`top` services and {OTHER}, of {_BILLS}"


def _amount(name: str, about: str, *labels: str, bounded_by: str = _BILLS) -> Family:
    return Family(
        name=f"cost_{name}", kind="gauge", help=about, labels=(SOURCE, CURRENCY, *labels), bounded_by=bounded_by
    )


NEWEST_CHARGE = Family(
    name="cost_bill_newest_charge_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the newest usage of the bill ends: how far it tells.",
    labels=(SOURCE,),
    bounded_by="the bills that the configuration names",
)
BILLED = _amount("month_to_date_billed", "BilledCost of this billing period until now: what is invoiced.")
EFFECTIVE = _amount(
    "month_to_date_effective",
    "EffectiveCost of this billing period until now: what was paid in advance counts where it is used.",
)
BUDGET = _amount("month_budget_billed", "The budget of a billing period, from the configuration.")
FORECAST = _amount("month_forecast_billed", "The BilledCost that is expected of the whole billing period.")
FORECAST_LOWER = _amount("month_forecast_lower_billed", "The whole billing period costs more than this, with 95 %.")
FORECAST_UPPER = _amount("month_forecast_upper_billed", "The whole billing period costs less than this, with 95 %.")
SERVICE_BILLED = _amount(
    "service_month_to_date_billed", "BilledCost of this billing period by service.", SERVICE, bounded_by=_TOP
)
SERVICE_EFFECTIVE = _amount(
    "service_month_to_date_effective", "EffectiveCost of this billing period by service.", SERVICE, bounded_by=_TOP
)
SERVICES_IN_OTHER = _amount("services_in_other", f"How many services have no series of their own: they are {OTHER}.")
CATEGORY_BILLED = _amount(
    "charge_category_month_to_date_billed",
    "BilledCost of this billing period by FOCUS' category of charge; credits are below zero.",
    CATEGORY,
    bounded_by=f"FOCUS' 5 categories, of {_BILLS}",
)
CORRECTIONS = _amount(
    "corrections_month_to_date_billed", "BilledCost of this billing period that corrects an earlier one."
)
IDLE = _amount(
    "idle_month_to_date_effective",
    "EffectiveCost of this billing period that was paid for and not used, by how that is known.",
    REASON,
    bounded_by=f"3 reasons, of {_BILLS}",
)
DAY_START = Family(
    name="cost_day_start_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the last day begins whose charges have come in.",
    labels=(SOURCE,),
    bounded_by="the bills that the configuration names",
)
DAY_EFFECTIVE = _amount(
    "day_effective", "EffectiveCost of the last day whose charges have come in, by service.", SERVICE, bounded_by=_TOP
)
DAY_TYPICAL = _amount(
    "day_typical_effective",
    "Median EffectiveCost of the same weekday in the 8 weeks before, by service.",
    SERVICE,
    bounded_by=_TOP,
)
DAY_SCORE = _amount(
    "day_anomaly_score",
    "Modified z-score of the last day's EffectiveCost against the same weekday, by service; above 3.5 is unusual.",
    SERVICE,
    bounded_by=_TOP,
)
PER_ORDER = _amount("per_order_effective", "EffectiveCost of the last 7 days that came in, by their accepted order.")
PER_1000_REQUESTS = _amount(
    "per_1000_requests_effective", "EffectiveCost of the last 7 days that came in, by 1,000 of their requests."
)
RUN_EFFECTIVE = _amount(
    "run_effective",
    "EffectiveCost of the tagged resources while a load test ran, from the bill.",
    RUN,
    bounded_by=f"the newest 20 runs, of {_BILLS}",
)
RUN_ESTIMATED = _amount(
    "run_estimated_effective",
    "Estimate of the same until it is billed: the run's length at their mean hour of the last 7 days.",
    RUN,
    bounded_by=f"the newest 20 runs, of {_BILLS}",
)
