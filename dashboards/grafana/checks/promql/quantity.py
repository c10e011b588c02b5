"""What a number of a query measures: its base unit, whether it is a rate, and by how much it was multiplied."""

import re
from dataclasses import dataclass, replace
from enum import Enum
from math import isclose

from dashboards.grafana.known_metrics import Metric


class Base(Enum):
    """What is measured. RATIO is a share of 1, FACTOR a quotient of different things, UNKNOWN can't be told."""

    COUNT = "a count"
    FLAG = "0 or 1"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    BYTES = "bytes"
    RATIO = "a ratio"
    FACTOR = "a plain number"
    MOMENT = "a moment in seconds since 1970"
    CENTS = "hundredths of a currency"
    MONEY = "money"
    UNKNOWN = "a number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A base unit, to the power of how many seconds it is divided by, times `scale`: 60 for a rate a minute."""

    base: Base
    per_s: int = 0
    scale: float = 1

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.base is not Base.UNKNOWN

    @property
    def words(self) -> str:
        """What it is, for a message."""
        rate = {0: "", 1: " a second", -1: " times seconds"}.get(self.per_s, f" per s^{self.per_s}")
        return f"{self.base.value}{rate}{'' if self.scale == 1 else f', times {self.scale:g}'}"


UNKNOWN = Quantity(base=Base.UNKNOWN)
NUMBER = Quantity(base=Base.FACTOR)
# A second in seconds, milliseconds, minutes, hours and days.
_OF_SECONDS = (1, 1000, 1 / 60, 1 / 3600, 1 / 86_400)
PLAIN = (Base.COUNT, Base.FLAG, Base.FACTOR, Base.RATIO)
_BY_NAME: tuple[tuple[str, Quantity], ...] = (
    (r"timestamp_seconds$|^ALERTS_FOR_STATE$|start_time_seconds$", Quantity(base=Base.MOMENT)),
    (r"ms_sum$|milliseconds(_sum)?$", Quantity(base=Base.MILLISECONDS)),
    (r"[_:]seconds(_sum|_total)?$", Quantity(base=Base.SECONDS)),
    (r"_bytes(_total)?$", Quantity(base=Base.BYTES)),
    (r"burn_rate|_factor$|_score$|_status_code$", NUMBER),
    (r"events:rate|_per_second$", Quantity(base=Base.COUNT, per_s=1)),
    (r"[_:]ratio(_rate\w+|\d\w+)?$", Quantity(base=Base.RATIO)),
    (r"_cents(_total)?$", Quantity(base=Base.CENTS)),
    (r"_(billed|effective)$", Quantity(base=Base.MONEY)),
)


def of_metric(metric: Metric) -> Quantity:
    """Return what the samples of a series are, by the conventions that its name follows."""
    if metric.kind == "bucket" or metric.name.endswith("_count"):
        return Quantity(base=Base.COUNT)
    found = next((quantity for pattern, quantity in _BY_NAME if re.search(pattern, metric.name)), None)
    if found:
        return found
    is_flag = (
        metric.name in ("up", "ALERTS")
        or metric.name.endswith("_successful")
        or metric.says.startswith(("1 when", "1 for", "1 with", "1 where"))
    )
    return Quantity(base=Base.FLAG if is_flag else Base.COUNT)


def observed(metric: Metric) -> Quantity:
    """Return what a histogram's observations are, by the name of its buckets."""
    sums = replace(metric, name=metric.family + "_sum", kind="counter")
    return of_metric(sums)


def _made(base: Base, per_s: int, scale: float) -> Quantity:
    """Return a quantity in its simplest form: seconds a second are a number, a ratio times seconds is seconds."""
    if base is Base.SECONDS and per_s == 1:
        return Quantity(base=Base.FACTOR, scale=scale)
    if per_s == -1 and base in (Base.RATIO, Base.FACTOR):
        return Quantity(base=Base.SECONDS, scale=scale)
    return Quantity(base=base, per_s=per_s, scale=scale)


def rated(quantity: Quantity) -> Quantity:
    """Return the quantity a second."""
    return _made(quantity.base, quantity.per_s + 1, quantity.scale) if quantity.known else quantity


def scaled(quantity: Quantity, factor: float) -> Quantity:
    """Return the quantity times a number; times 0 it may stand beside anything.

    Seconds times any other number than another unit of time's are no time: a threshold's, a share of a period. What
    is 0 or 1 times a number is that number.
    """
    made = replace(quantity, scale=quantity.scale * factor)
    no_time = made.base is Base.SECONDS and not any(isclose(abs(made.scale), one) for one in _OF_SECONDS)
    if not factor or no_time or (made.base is Base.FLAG and made.scale not in (1, 100)):
        return UNKNOWN
    return made


def quotient(one: Quantity, other: Quantity, *, alike: bool) -> Quantity:
    """Return one by the other; `alike` where it is a part of the other: a share of 1."""
    if not one.known or not other.known:
        return UNKNOWN
    scale, per_s = one.scale / other.scale, one.per_s - other.per_s
    if one.base is other.base:
        share = alike or one.base not in PLAIN
        base = Base.RATIO if share and not per_s else Base.FACTOR
        return _made(base, per_s, scale)
    if other.base in PLAIN:
        return _made(one.base, per_s, scale)
    if other.base is Base.SECONDS:
        return _made(one.base, per_s + 1, scale)
    return UNKNOWN


def product(one: Quantity, other: Quantity) -> Quantity:
    """Return one times the other."""
    if not one.known or not other.known:
        return UNKNOWN
    scale, per_s = one.scale * other.scale, one.per_s + other.per_s
    first, second = (one, other) if other.base in PLAIN else (other, one)
    if second.base in PLAIN:
        kept = second if first.base in (Base.FLAG, Base.RATIO, Base.FACTOR) and second.base is Base.COUNT else first
        return _made(kept.base, per_s, scale)
    return _made(first.base, per_s - 1, scale) if second.base is Base.SECONDS else UNKNOWN


def difference(one: Quantity, other: Quantity) -> Quantity:
    """Return one less the other: two moments are seconds apart, a moment less seconds is a moment."""
    if not one.known or not other.known:
        return one if one.known else other
    if one.base is other.base is Base.MOMENT:
        return replace(one, base=Base.SECONDS)
    if Base.MOMENT in (one.base, other.base):
        return one if one.base is Base.MOMENT else other
    return other if one.base is Base.FACTOR else one
