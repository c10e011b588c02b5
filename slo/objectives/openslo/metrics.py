"""What an OpenSLO indicator comes to: counters that are read exactly, queries for Prometheus, or the own records.

Refused is what can't mean anything: good and total the same, a rate over an increase, a gauge taken for a counter, a
percentage taken for a ratio, a limit without its comparison.
"""

from collections.abc import Iterable

from slo.objectives.http_metrics import http_indicator
from slo.objectives.indicators import Availability, Latency, Threshold
from slo.objectives.openslo.sli import PrometheusSpec, RatioMetric, RecordsSpec, SessionsSpec, SliSpec
from slo.objectives.openslo.slo import Threshold as Limit
from slo.objectives.promql import Sum, gauge_function, is_percentage, one_line, ratio_of, rest_of, sum_of, without
from slo.objectives.selectors import COUNTER, Selector, selector_of
from slo.objectives.sources import Counters, CounterSums, Counts, Queries, Readings, Records, Sessions, Source

_OTHER: dict[Counts, Counts] = {"good": "bad", "bad": "good"}
Found = Availability | Latency | Threshold


def indicator_of(spec: SliSpec, limit: Limit) -> Found:
    """Return the indicator of an SLI under one objective; raises ValueError that says what is wrong."""
    if spec.ratio_metric is None:
        return _threshold(spec, limit)
    if limit.value is not None:
        raise ValueError("value belongs to thresholdMetric; a ratioMetric has a target alone")
    if limit.op in ("lt", "lte"):
        raise ValueError(f"op: {limit.op} asks a ratio of good events to be below its target")
    ratio = spec.ratio_metric
    part = ratio.part.metric_source.spec
    total = None if ratio.total is None else ratio.total.metric_source.spec
    if isinstance(part, PrometheusSpec) and (total is None or isinstance(total, PrometheusSpec)):
        return _of_prometheus(ratio, part, total)
    return _of_own(ratio)


def events_indicator(part: str, part_is: Counts, total: str, steps: tuple[str, ...]) -> Availability | Latency:
    """Return the indicator of good or bad events and all events, each a query; raises ValueError.

    They are counters where both queries are sums of counters. Bad events of the total's own metric that one label tells
    apart are turned into good ones: of those rules can be made as well.
    """
    if one_line(part) == one_line(total):
        raise ValueError(
            f"{part_is} and total are the same query: {'all' if part_is == 'good' else 'no'} events are good"
        )
    whole, some = sum_of(total), sum_of(part)
    if some is None and whole is not None:
        some = rest_of(part, total)
        part_is = part_is if some is None else _OTHER[part_is]
    if some is None or whole is None:
        _check_evaluated((part, total))
        return Availability(source=Queries(part=one_line(part), part_is=part_is, total=one_line(total), steps=steps))
    _check_usage(some, whole)
    return _of_sums(some.selectors, part_is, tuple(map(all_counted, whole.selectors)), steps)


def ratio_indicator(query: str, part_is: Counts, steps: tuple[str, ...]) -> Availability | Latency:
    """Return the indicator of a ratio in one query: counters where it is a ratio of their sums; raises ValueError."""
    if is_percentage(query):
        raise ValueError("the query answers a percentage; expected a ratio from 0 to 1: leave out the factor 100")
    found = ratio_of(query)
    if found is None:
        _check_evaluated((query,))
        return Availability(source=Queries(part=one_line(query), part_is=part_is, total=None, steps=steps))
    if found.part.selectors == found.total.selectors:
        raise ValueError("the query divides a sum by itself")
    _check_usage(found.part, found.total)
    total = tuple(map(all_counted, found.total.selectors))
    return _of_sums(found.part.selectors, _OTHER[part_is] if found.turned else part_is, total, steps)


def all_counted(total: Selector) -> Selector:
    """Return a selector of all events by their count, where it selects them by the bucket of all: they are equal.

    https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#histogram-1
    """
    if not total.metric.endswith("_bucket") or total.equals("le") != "+Inf":
        return total
    others = tuple(one for one in total.matchers if one.label != "le")
    return selector_of(f"{total.metric.removesuffix('_bucket')}_count", others)


def bucket_s(good: Selector, total: Selector) -> float | None:
    """Return the bucket's bound that makes it a latency, None for an availability; refuses what would count twice."""
    bound = good.equals("le")
    if good.metric.endswith("_bucket") != (bound is not None):
        raise ValueError('a good _bucket needs le="…" with its bound in seconds, and only a _bucket may have it')
    if total.metric.endswith("_bucket"):
        raise ValueError("the total of a histogram is its _count")
    if bound is None:
        return None
    try:
        threshold_s = float(bound)
    except ValueError:
        threshold_s = 0.0
    if not 0 < threshold_s < float("inf"):
        raise ValueError(f"le: expected a bucket's bound in seconds, above 0, found {bound!r}")
    return threshold_s


def _of_sums(
    part: tuple[Selector, ...], part_is: Counts, total: tuple[Selector, ...], steps: tuple[str, ...]
) -> Availability | Latency:
    if set(part) == set(total):
        raise ValueError(f"{part_is} and total are the same counters")
    if len(set(part)) < len(part) or len(set(total)) < len(total):
        raise ValueError("a counter is added twice")
    if len(part) == len(total) == 1:
        good = part[0] if part_is == "good" else without(total[0], part[0])
        if good is not None:
            return _kind(Counters(good=good, total=total[0], steps=steps), bucket_s(good, total[0]))
    for one in total:
        if one.metric.endswith("_bucket"):
            raise ValueError("the total of a histogram is its _count")
    for one in part:
        bucket_s(one, total[0])
    return Availability(source=CounterSums(part=part, part_is=part_is, total=total, steps=steps))


def _check_usage(part: Sum, total: Sum) -> None:
    usages = part.usages | total.usages
    functions = {name for name, _ in usages}
    if len(functions) > 1:
        raise ValueError(f"{' and '.join(sorted(functions))} can't be compared: use the same function on both sides")
    if functions == {"increase"} and len(usages) > 1:
        raise ValueError("increases over different ranges can't be compared")
    for one in (*part.selectors, *total.selectors):
        if one.is_named_a_gauge:
            raise ValueError(f"{one.metric} is named as a gauge is, and counts no events")
        if functions == {"bare"} and not one.is_named_a_counter:
            raise ValueError(
                f"{one.metric}: expected a counter, whose name ends in one of {', '.join(COUNTER)}, or its rate()"
            )


def _check_evaluated(queries: Iterable[str]) -> None:
    for one in queries:
        if is_percentage(one):
            raise ValueError("the query answers a percentage; expected events, or a ratio from 0 to 1")


def _threshold(spec: SliSpec, limit: Limit) -> Threshold:
    if limit.op is None or limit.value is None:
        raise ValueError("a thresholdMetric needs op and value at its objective")
    source = spec.threshold_metric.metric_source.spec if spec.threshold_metric else None
    if not isinstance(source, PrometheusSpec) or source.query is None:  # pragma: no cover - refused when it was read
        raise TypeError("a thresholdMetric is a query of Prometheus")
    found = sum_of(source.query)
    if found is not None and {name for name, _ in found.usages} == {"bare"}:
        counter = next((one.metric for one in found.selectors if one.is_named_a_counter), None)
        if counter is not None:
            raise ValueError(f"{counter} only grows, so no limit holds for it: use its rate(), or a ratioMetric")
    return Threshold(source=Readings(query=source.query, op=limit.op, value=limit.value, steps=source.steps))


def _of_prometheus(ratio: RatioMetric, part: PrometheusSpec, total: PrometheusSpec | None) -> Availability | Latency:
    steps = tuple((total.steps if total else ()) or part.steps)
    if total is None:
        if part.query is None:
            raise ValueError("raw is a query; indicator counts good and total events")
        return ratio_indicator(part.query, "good" if ratio.raw_type == "success" else "bad", steps)
    if part.indicator is not None or total.indicator is not None:
        return _known(ratio, part, total, steps)
    queries = part.query or "", total.query or ""
    part_is: Counts = "bad" if ratio.bad is not None else "good"
    if ratio.counter is False:
        return _of_gauges(queries, part_is, steps)
    function = next((name for one in queries if (name := gauge_function(one)) is not None), None)
    if ratio.counter and function is not None:
        raise ValueError(f"counter: true says that it only grows, and {function}() is of gauges")
    return events_indicator(queries[0], part_is, queries[1], steps)


def _of_gauges(queries: tuple[str, str], part_is: Counts, steps: tuple[str, ...]) -> Availability | Latency:
    """Numbers that go up and down are evaluated; rates of counters are what they are, whatever is said of them."""
    sums = [sum_of(one) for one in queries]
    if all(one is not None and {name for name, _ in one.usages} != {"bare"} for one in sums):
        return events_indicator(queries[0], part_is, queries[1], steps)
    if one_line(queries[0]) == one_line(queries[1]):
        raise ValueError(f"{part_is} and total are the same query")
    for one in sums:
        if one is not None and any(selector.is_named_a_counter for selector in one.selectors):
            raise ValueError("counter: false says that it goes up and down, and its name is a counter's")
    _check_evaluated(queries)
    return Availability(source=Queries(part=queries[0], part_is=part_is, total=queries[1], steps=steps))


def _known(
    ratio: RatioMetric, good: PrometheusSpec, total: PrometheusSpec, steps: tuple[str, ...]
) -> Availability | Latency:
    if ratio.bad is not None:
        raise ValueError("indicator counts good and total events: name it under good")
    if (good.indicator, good.match) != (total.indicator, total.match) or good.indicator is None:
        raise ValueError("good and total must name the same indicator and match")
    if total.within_s is not None:
        raise ValueError("within_s belongs to good alone")
    return http_indicator(good.indicator, good.match, good.within_s, steps)


def _of_own(ratio: RatioMetric) -> Availability | Latency:
    """Return the indicator of the load generator's own requests or sessions."""
    if ratio.good is None or ratio.total is None:
        raise ValueError("own requests and sessions are counted as good and total")
    if ratio.counter is False:
        raise ValueError("expected counter: true, events are counted")
    good, total = ratio.good.metric_source, ratio.total.metric_source
    if good.type != total.type:
        raise ValueError(f"good and total must have the same type, not {good.type} and {total.type}")
    if isinstance(good.spec, RecordsSpec) and isinstance(total.spec, RecordsSpec):
        if (good.spec.steps, good.spec.clock) != (total.spec.steps, total.spec.clock):
            raise ValueError("good and total must name the same steps and clock")
        if total.spec.within_s is not None:
            raise ValueError("within_s belongs to good alone")
        return _kind(Records(steps=tuple(good.spec.steps), clock=good.spec.clock), good.spec.within_s)
    if not isinstance(good.spec, SessionsSpec) or good.spec != total.spec:
        raise ValueError("good and total must name the same journeys: good are those of them that came to their end")
    return Availability(source=Sessions(journeys=tuple(dict.fromkeys(good.spec.journeys))))


def _kind(source: Source, threshold_s: float | None) -> Availability | Latency:
    return Availability(source=source) if threshold_s is None else Latency(source=source, threshold_s=threshold_s)
