"""A value in a unit of Grafana's, written as Grafana writes it: `72` in `s` is `1.20 mins`.

The rules are those of Grafana's own value formats, facts of its package @grafana/data 13.2.2; the tests hold what that
package answers. What isn't a unit's id is written behind the number, as Grafana does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

Formatter = Callable[[float, int | None], str]
INFINITE = "∞"
_LEAST_PLAIN, _MOST_PLAIN = 1e-6, 1e21  # outside of these Grafana writes an exponent
_PLURAL = frozenset({"min", "hour", "day", "week", "year"})
_MINUTE, _HOUR, _DAY, _WEEK, _YEAR = 60.0, 3600.0, 86_400.0, 604_800.0, 31_536_000.0
_LONG_YEAR = 31_556_900.0
# From which size (in s) on a duration is written in which unit, the largest first.
_OF_SECONDS = (
    (_YEAR, _LONG_YEAR, "year"), (_WEEK, _WEEK, "week"), (_DAY, _DAY, "day"), (_HOUR, _HOUR, "hour"),
    (_MINUTE, _MINUTE, "min"), (1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (1e-6, 1e-6, "µs"), (0.0, 1e-9, "ns"),
)  # fmt: skip
_OF_MILLISECONDS = (
    (_YEAR, _YEAR, "year"), (_DAY, _DAY, "day"), (_HOUR, _HOUR, "hour"), (_MINUTE, _MINUTE, "min"),
    (1.0, 1.0, "s"), (0.0, 1e-3, "ms"),
)  # fmt: skip
_OF_MINUTES = (
    (_YEAR, 31_556_880.0, "year"), (_WEEK, _WEEK, "week"), (_DAY, _DAY, "day"), (_HOUR, _HOUR, "hour"),
    (0.0, _MINUTE, "min"),
)  # fmt: skip
_OF_HOURS = ((_YEAR, _YEAR, "year"), (_WEEK, _WEEK, "week"), (_DAY, _DAY, "day"), (0.0, _HOUR, "hour"))
_OF_DAYS = ((_YEAR, _YEAR, "year"), (_WEEK, _WEEK, "week"), (0.0, _DAY, "day"))
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_METRIC = ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SHORT = ("", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept")
_COUNT = ("", "K", "M", "B", "T")
_COUNTED = {"cps": "c/s", "ops": "ops/s", "reqps": "req/s", "rps": "rd/s", "wps": "wr/s", "iops": "io/s",
            "cpm": "c/m", "opm": "ops/m", "reqpm": "req/m", "rpm": "rd/m", "wpm": "wr/m"}  # fmt: skip
_CURRENCIES = {"currencyUSD": "$", "currencyEUR": "€", "currencyGBP": "£"}


def in_unit(value: float, unit: str, decimals: int | None = None, *, now_s: float | None = None) -> str:
    """Return `value` in `unit`, with so many decimals (None: as many as it takes); infinity as `∞`.

    `now_s` is the moment, in seconds since 1970, that ages are counted to; without it they are written as moments.
    """
    if math.isnan(value):
        return "NaN"
    if unit == "dateTimeFromNow" and now_s is not None and math.isfinite(value):
        return _age(now_s - value / 1000)
    return (_FORMATTERS.get(unit) or _custom(unit))(value, decimals)


def _custom(unit: str) -> Formatter:
    kind, _, given = unit.partition(":")
    match kind if given else "":
        case "prefix":
            return lambda value, decimals: f"{given}{fixed(value, decimals)}"
        case "count":
            return _counted(given)
        case "currency":
            return _currency(given)
        case "suffix":
            unit = given
    return lambda value, decimals: f"{fixed(value, decimals)} {unit}"


def fixed(value: float, decimals: int | None = None) -> str:
    """Return a number with three or four digits that count, or with so many decimals."""
    if math.isinf(value):
        return INFINITE if value > 0 else f"-{INFINITE}"
    places = _places(value) if decimals is None else decimals
    rounded = math.floor(value * 10**places + 0.5) / 10**places
    if rounded and not _LEAST_PLAIN <= abs(rounded) < _MOST_PLAIN:
        return repr(rounded).replace("e-0", "e-")
    return f"{rounded + 0.0:.{places}f}"


def _places(value: float) -> int:
    if value == int(value):
        return 0
    magnitude = math.floor(math.log(abs(value)) / math.log(10))
    return max(0, 2 - magnitude)


def _duration(steps: Sequence[tuple[float, float, str]], one_s: float) -> Formatter:
    def written(value: float, decimals: int | None) -> str:
        size = abs(value) * one_s
        _, unit_s, name = next(step for step in steps if size >= step[0])
        if value == 0 and steps is _OF_SECONDS:
            return "0 s"
        scaled = value / (unit_s / one_s) if unit_s > one_s else value * round(one_s / unit_s)
        # Grafana writes "mins" of what it scaled, and "min" of what it was given.
        is_scaled = unit_s != one_s or steps is _OF_DAYS
        return f"{fixed(scaled, decimals)} {name}{'s' if is_scaled and name in _PLURAL and abs(scaled) > 1 else ''}"

    return written


def _scaled(factor: int, suffixes: Sequence[str], ones: int = 0) -> Formatter:
    """Return the formatter of powers of `factor`; `ones` is the place of the suffix of power 0."""

    def written(value: float, decimals: int | None) -> str:
        if math.isinf(value):
            return fixed(value)
        power = 0 if value == 0 else math.floor(math.log10(abs(value)) / math.log10(factor))
        power = min(max(power, -ones), len(suffixes) - 1 - ones)
        return f"{fixed(value / float(factor) ** power, decimals)}{suffixes[ones + power]}".rstrip()

    return written


def _counted(symbol: str) -> Formatter:
    return _scaled(1000, [f"{unit} {symbol}" for unit in _COUNT])


def _currency(symbol: str) -> Formatter:
    scaled = _scaled(1000, _COUNT)
    return lambda value, decimals: f"{'-' if value < 0 else ''}{symbol}{scaled(abs(value), decimals)}"


def _prefixed(factor: int, prefixes: Sequence[str], symbol: str) -> Formatter:
    return _scaled(factor, [f" {prefix}{symbol}" for prefix in prefixes], prefixes.index(""))


def _moment(value: float, _decimals: int | None) -> str:
    try:
        return f"{datetime.fromtimestamp(value / 1000, tz=UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return "Invalid date"


# Up to how much of which unit (s, and its name) an age is told in it, as moment.js does.
_AGES = ((45.0, 1.0, ""), (45.0, _MINUTE, "minute"), (22.0, _HOUR, "hour"), (26.0, _DAY, "day"),
         (11.0, 30.436875 * _DAY, "month"), (math.inf, 365.2425 * _DAY, "year"))  # fmt: skip


def _age(age_s: float) -> str:
    of_units = ((math.floor(abs(age_s) / unit_s + 0.5), below, name) for below, unit_s, name in _AGES)
    number, name = next((number, name) for number, below, name in of_units if number < below)
    if not name:
        told = "a few seconds"
    elif number <= 1:
        told = f"an {name}" if name == "hour" else f"a {name}"
    else:
        told = f"{number} {name}s"
    return f"in {told}" if age_s < 0 else f"{told} ago"


_FORMATTERS: Mapping[str, Formatter] = MappingProxyType(
    {
        "": fixed,
        "none": fixed,
        "short": _scaled(1000, _SHORT),
        "percent": lambda value, decimals: f"{fixed(value, decimals)}%",
        "percentunit": lambda value, decimals: f"{fixed(100 * value, decimals)}%",
        "bytes": _prefixed(1024, _BINARY, "B"),
        "decbytes": _prefixed(1000, _METRIC, "B"),
        "Bps": _prefixed(1000, _METRIC, "B/s"),
        "binBps": _prefixed(1024, _BINARY, "B/s"),
        "s": _duration(_OF_SECONDS, 1.0),
        "ms": _duration(_OF_MILLISECONDS, 1e-3),
        "m": _duration(_OF_MINUTES, _MINUTE),
        "h": _duration(_OF_HOURS, _HOUR),
        "d": _duration(_OF_DAYS, _DAY),
        "bool": lambda value, _decimals: "True" if value else "False",
        "bool_yes_no": lambda value, _decimals: "Yes" if value else "No",
        "bool_on_off": lambda value, _decimals: "On" if value else "Off",
        "dateTimeAsIso": _moment,
        "dateTimeFromNow": _moment,
        **{unit: _counted(symbol) for unit, symbol in _COUNTED.items()},
        **{unit: _currency(symbol) for unit, symbol in _CURRENCIES.items()},
    }
)
