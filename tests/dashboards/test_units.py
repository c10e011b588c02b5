"""A value stands in its unit as Grafana writes it: what is expected is what @grafana/data 13.2.2 answered."""

import math

import pytest

from dashboards.units import in_unit

GRAFANA = [
    # unit, value, decimals, as Grafana writes it
    ("none", 0, None, "0"),
    ("none", 0.5, None, "0.500"),
    ("none", 1.2, None, "1.20"),
    ("none", 153.42, None, "153"),
    ("none", 12345.678, None, "12346"),
    ("none", 5e-08, None, "5e-8"),
    ("short", 999.96, None, "1000"),
    ("short", 1536, None, "1.54 K"),
    ("short", 2500000000000.0, None, "2.50 Tri"),
    ("percentunit", 0.5, None, "50%"),
    ("percentunit", 0.3333333333333333, None, "33.3%"),
    ("percentunit", 1, None, "100%"),
    ("percentunit", -0.25, None, "-25%"),
    ("percent", 15.36, None, "15.4%"),
    ("s", 0, None, "0 s"),
    ("s", 0.0123, None, "12.3 ms"),
    ("s", 4e-06, None, "4 µs"),
    ("s", 5e-08, None, "50 ns"),
    ("s", 1.2, None, "1.20 s"),
    ("s", 59.99, None, "60.0 s"),
    ("s", 72, None, "1.20 mins"),
    ("s", 60, None, "1 min"),
    ("s", 3599, None, "60.0 mins"),
    ("s", 90000, None, "1.04 days"),
    ("s", 700000, None, "1.16 weeks"),
    ("s", 40000000.0, None, "1.27 years"),
    ("ms", 0.5, None, "0.500 ms"),
    ("ms", 999, None, "999 ms"),
    ("ms", 1536, None, "1.54 s"),
    ("ms", 90000, None, "1.50 mins"),
    ("ms", 40000000.0, None, "11.1 hours"),
    ("m", 1.2, None, "1.20 min"),
    ("m", 100, None, "1.67 hours"),
    ("h", 100, None, "4.17 days"),
    ("d", 1.2, None, "1.20 days"),
    ("reqps", 0.0123, None, "0.0123 req/s"),
    ("reqps", 1536, None, "1.54K req/s"),
    ("reqps", 1000000000.0, None, "1B req/s"),
    ("cps", 0, None, "0 c/s"),
    ("opm", 153.42, None, "153 ops/m"),
    ("ops", 2.25, None, "2.25 ops/s"),
    ("bytes", 1000, None, "1000 B"),
    ("bytes", 1536, None, "1.50 KiB"),
    ("bytes", 1000000000.0, None, "954 MiB"),
    ("decbytes", 0.5, None, "500 mB"),
    ("decbytes", 1536, None, "1.54 kB"),
    ("Bps", 1000000000.0, None, "1 GB/s"),
    ("binBps", 1536, None, "1.50 KiB/s"),
    ("bool_yes_no", 0, None, "No"),
    ("bool_yes_no", 1, None, "Yes"),
    ("currencyEUR", 1536, None, "€1.54K"),
    ("currencyEUR", -1536, None, "-€1.54K"),
    ("currencyUSD", 0.5, None, "$0.500"),
    ("suffix:orders", 72, None, "72 orders"),
    ("prefix:EUR", 72, None, "EUR72"),
    ("count:x", 1536, None, "1.54K x"),
    ("currency:CHF", 72, None, "CHF72"),
    ("nonsense", 72, None, "72 nonsense"),
    ("s", 72, 0, "1 mins"),
    ("s", 72, 2, "1.20 mins"),
    ("percentunit", 0.5, 2, "50.00%"),
    ("reqps", 1536, 0, "2K req/s"),
    ("short", 0.3333333333333333, 2, "0.33"),
    ("bytes", 1536, 2, "1.50 KiB"),
    ("none", 0, 2, "0.00"),
]
NOW_S = 1_795_000_000.0


@pytest.mark.parametrize(("unit", "value", "decimals", "expected"), GRAFANA)
def test_a_value_in_a_unit_is_written_as_grafana_writes_it(
    unit: str, value: float, decimals: int | None, expected: str
) -> None:
    assert in_unit(value, unit, decimals) == expected


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (3, "a few seconds ago"),
        (50, "a minute ago"),
        (600, "10 minutes ago"),
        (3600, "an hour ago"),
        (5 * 3600, "5 hours ago"),
        (86_400, "a day ago"),
        (9 * 86_400, "9 days ago"),
        (-600, "in 10 minutes"),
        (800 * 86_400, "2 years ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age_s: float, expected: str) -> None:
    assert in_unit((NOW_S - age_s) * 1000, "dateTimeFromNow", now_s=NOW_S) == expected


def test_a_moment_is_utc_to_the_second() -> None:
    assert in_unit(0, "dateTimeAsIso") == "1970-01-01 00:00:00"


@pytest.mark.parametrize(("value", "expected"), [(math.inf, "∞"), (-math.inf, "-∞")])
def test_infinity_is_never_a_number(value: float, expected: str) -> None:
    assert in_unit(value, "short") == expected
    assert in_unit(value, "s").split()[0] == expected


def test_what_is_no_number_is_said() -> None:
    assert in_unit(math.nan, "s") == "NaN"
