"""Units: known to Grafana, and fit for what the query measures."""

from collections.abc import Iterator, Mapping
from math import isclose

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.checks.promql.quantity import Base, Quantity
from dashboards.grafana.checks.promql.read import read
from dashboards.grafana.checks.queries import UNIT_NOTES
from dashboards.grafana.checks.tables import value_columns
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json

# Ids of Grafana's packages/grafana-data/src/valueFormats/categories.ts, by what they show.
_PLAIN = frozenset({"none", "short", "sishort", "locale", "string"})
_FLAGS = frozenset({"bool", "bool_yes_no", "bool_on_off"})
_A_SECOND = frozenset({"cps", "ops", "reqps", "rps", "wps", "iops", "eps", "mps", "recps", "rowsps"})
_A_MINUTE = frozenset({"cpm", "opm", "reqpm", "rpm", "wpm", "epm", "mpm", "recpm", "rowspm"})
_SECONDS = frozenset({"s", "dtdurations", "clocks"})
_MILLISECONDS = frozenset({"ms", "dtdurationms", "clockms"})
_DATES = frozenset(
    {
        *("dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "dateTimeAsUS", "dateTimeAsUSNoDateIfToday"),
        *("dateTimeAsLocal", "dateTimeAsLocalNoDateIfToday", "dateTimeAsSystem", "dateTimeFromNow"),
    }
)
_BYTES = frozenset({"bytes", "decbytes"})
_BYTES_A_SECOND = frozenset({"Bps", "binBps"})
_CODES = (
    "USD",
    "GBP",
    "EUR",
    "JPY",
    "BRL",
    "DKK",
    "ISK",
    "NOK",
    "SEK",
    "CZK",
    "CHF",
    "PLN",
    "ZAR",
    "INR",
    "KRW",
    "TRY",
    "BGN",
)
_CURRENCIES = frozenset(f"currency{code}" for code in _CODES)
UNITS: frozenset[str] = frozenset().union(
    *(_PLAIN, _FLAGS, _A_SECOND, _A_MINUTE, _SECONDS, _MILLISECONDS, _DATES, _BYTES, _BYTES_A_SECOND, _CURRENCIES),
    {"percentunit", "percent", "m", "h", "d"},
)
# A count of alerts times 2 stands for a state: 2 firing, 1 pending.
_MOST_CODES = 9
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_Key = tuple[Base, int, float]
# What may show a quantity: its base, how many times it is divided by seconds, by what it was multiplied.
_FIT: Mapping[_Key, frozenset[str]] = {
    (Base.COUNT, 0, 1): _PLAIN,
    (Base.COUNT, 1, 1): _A_SECOND,
    (Base.COUNT, 1, 60): _A_MINUTE,
    (Base.COUNT, 1, _HOUR_S): _PLAIN,
    (Base.COUNT, 1, _DAY_S): _PLAIN,
    (Base.FLAG, 0, 1): _PLAIN | _FLAGS,
    (Base.FACTOR, 0, 1): _PLAIN | {"percentunit"},
    (Base.FACTOR, 0, 100): frozenset({"percent"}),
    (Base.RATIO, 0, 1): frozenset({"percentunit"}),
    (Base.RATIO, 0, 100): frozenset({"percent"}),
    (Base.SECONDS, 0, 1): _SECONDS,
    (Base.SECONDS, 0, 1000): _MILLISECONDS,
    (Base.SECONDS, 0, round(1 / _MINUTE_S, 9)): frozenset({"m"}),
    (Base.SECONDS, 0, round(1 / _HOUR_S, 9)): frozenset({"h"}),
    (Base.SECONDS, 0, round(1 / _DAY_S, 9)): frozenset({"d"}),
    (Base.MILLISECONDS, 0, 1): _MILLISECONDS,
    (Base.MILLISECONDS, 0, 0.001): _SECONDS,
    (Base.MILLISECONDS, 1, 1): _MILLISECONDS,
    (Base.MILLISECONDS, 1, 0.001): _PLAIN | {"percentunit"},
    (Base.MOMENT, 0, 1000): _DATES,
    (Base.BYTES, 0, 1): _BYTES,
    (Base.BYTES, 1, 1): _BYTES_A_SECOND,
    (Base.MONEY, 0, 1): _PLAIN | _CURRENCIES,
    (Base.CENTS, 0, 0.01): _PLAIN | _CURRENCIES,
}
_MONEY = (Base.MONEY, Base.CENTS)


def fit(quantity: Quantity) -> frozenset[str] | None:
    """Return the units that show `quantity` rightly; None where any may."""
    if not quantity.known:
        return None
    scale = round(quantity.scale, 9)
    if quantity.base in _MONEY and quantity.per_s == 1:
        return _PLAIN | _CURRENCIES
    if quantity.base is Base.COUNT and not quantity.per_s and 1 < scale <= _MOST_CODES:
        return None
    if quantity.base is Base.FACTOR and (quantity.per_s or scale not in (1, 100)):
        return None
    return _FIT.get((quantity.base, quantity.per_s, scale), frozenset())


def _units(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if unit is None:
            yield title_of(panel), "has no unit"
        elif unit not in UNITS:
            yield title_of(panel), f"unit {unit!r} is not one of {', '.join(sorted(UNITS))}"
        for name, used, expr in _shown(panel):
            message = _unfit(used, expr, str(panel.get("title"))) if used in UNITS else ""
            if used not in UNITS and used != unit:
                message = f"unit {used!r} is not one of {', '.join(sorted(UNITS))}"
            if message:
                yield title_of(panel), f"{name}{message}"


def _shown(panel: Json) -> Iterator[tuple[str, str, str]]:
    """Yield what stands before a message, the unit and the query of each value that the panel shows."""
    default = panel["fieldConfig"]["defaults"].get("unit") or ""
    if panel["type"] == "table":
        yield from ((f"column {name}: ", unit or default, expr) for name, unit, expr in value_columns(panel))
        return
    for target in panel.get("targets", []):
        yield "", default, target.get("expr", "")


def _unfit(unit: str, expr: str, title: str) -> str:
    if not unit or unit == "string" or not expr.strip():
        return ""
    quantity = read(expr).series.quantity
    units = fit(quantity)
    if units is None or unit in units:
        return _unfit_title(title, quantity)
    wanted = f"; use {', '.join(sorted(units))}" if units else ": no unit shows that, so bring it to one"
    return f"unit {unit!r} does not fit {quantity.words}{wanted}"


def _unfit_title(title: str, quantity: Quantity) -> str:
    """Return what is wrong where the unit can't say what the title does: money has no unit a minute."""
    per_minute = _MINUTE_S * (0.01 if quantity.base is Base.CENTS else 1)
    if (
        quantity.base in _MONEY
        and quantity.per_s == 1
        and "a minute" in title
        and not isclose(quantity.scale, per_minute)
    ):
        return f"is called a minute's and is {quantity.words}"
    return ""


def _all(dashboard: Json) -> Iterator[tuple[str, str]]:
    yield from _units(dashboard)
    yield from UNIT_NOTES(dashboard)


RULES: Mapping[str, Rule] = {"unit": _all}
