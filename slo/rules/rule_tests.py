"""Scenarios as a file of `promtool test rules`: expectations come from arithmetic, never from a run of the rules."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from slo.objectives.selectors import quoted
from slo.rules.promql import duration
from slo.rules.scenarios import Check, Scenario, Series, Stretch
from slo.rules.signals import Absent, Ago, Level, Rate
from slo.rules.write import HEAD, dumped

_LONG_S, _LONG_SCRAPE_S = 7200, 60  # a test of hours is played with fewer samples, still enough for every window


def rule_tests(scenarios: Iterable[Scenario], rule_files: Iterable[str], every_s: int, scrape_s: int) -> str:
    """Return the text of a test file for rules in `rule_files`, evaluated and scraped at these intervals."""
    document = {
        "rule_files": list(rule_files),
        "evaluation_interval": duration(every_s),
        "tests": [_test(scenario, scrape_s) for scenario in scenarios],
    }
    return HEAD + dumped(document)


def _test(scenario: Scenario, scrape_s: int) -> dict[str, Any]:
    lasts_s = max((check.at_s for check in scenario.checks), default=0)
    scrape_s = max(scrape_s, _LONG_SCRAPE_S) if lasts_s > _LONG_S else scrape_s
    return {
        "name": scenario.name,
        "interval": duration(scrape_s),
        "input_series": [_series(one, scrape_s) for one in scenario.series],
        "promql_expr_test": [_check(one) for one in sorted(scenario.checks, key=lambda check: check.at_s)],
    }


def _check(check: Check) -> dict[str, Any]:
    samples = [] if check.value is None else [{"labels": "{}", "value": check.value}]
    return {"expr": check.expr, "eval_time": duration(check.at_s), "exp_samples": samples}


def _series(series: Series, scrape_s: int) -> dict[str, str]:
    labels = ",".join(f"{name}={quoted(value)}" for name, value in series.labels)
    return {"series": f"{series.metric}{{{labels}}}", "values": " ".join(_values(series.stretches, scrape_s))}


def _values(stretches: Iterable[Stretch], scrape_s: int) -> Iterator[str]:
    """Yield each stretch in promtool's notation; a sample belongs to the stretch in which it is scraped."""
    begins_s, counted, there = 0.0, 0.0, False
    for stretch in stretches:
        ends_s = begins_s + stretch.seconds
        first = math.ceil(begins_s / scrape_s)
        samples = math.ceil(ends_s / scrape_s) - first
        late_s = first * scrape_s - begins_s
        if samples <= 0:
            continue
        match stretch.course:
            case Absent():
                yield from _nothing(samples, there=there)
            case Level(value=value):
                yield _line(value, 0, samples)
            case Ago(seconds=seconds):
                yield _line(first * scrape_s - seconds, scrape_s, samples)
            case Rate(per_s=per_s):
                yield _line(counted + per_s * late_s, per_s * scrape_s, samples)
                counted += per_s * stretch.seconds
        there = not isinstance(stretch.course, Absent)
        begins_s = ends_s


def _nothing(samples: int, *, there: bool) -> Iterator[str]:
    """Yield no samples; what was there until now is marked as gone, as Prometheus does when a scrape lacks it."""
    if there:
        yield "stale"
        samples -= 1
    if samples:
        yield f"_x{samples}"


def _line(value: float, step: float, samples: int) -> str:
    return f"{_decimal(value)}{'-' if step < 0 else '+'}{_decimal(abs(step))}x{samples - 1}"


def _decimal(value: float) -> str:
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return text or "0"
