"""A comparison's measures in words and numbers: what its terminal, Markdown and HTML renderings share."""

from slo.formatting import count, percent, seconds
from slo.regression.days_document import HOW as HOW_DAYS
from slo.regression.verdict_document import ComparisonVerdict, MeasureEntry

UNKNOWN = "–"


def change(entry: MeasureEntry, value: float | None) -> str:
    """Return a change in the measure's unit: percent of latency, points of error ratio, orders lost by session."""
    if value is None:
        return UNKNOWN
    if entry.kind == "latency":
        return f"{100 * (value - 1):+.1f} %"
    if entry.kind == "errors":
        return f"{100 * value:+.2f} points"
    return f"{0.0 - value:+.3f} orders"


def level(entry: MeasureEntry, value: float | None) -> str:
    """Return what a release has: a latency, an error ratio, orders by session."""
    if value is None:
        return UNKNOWN
    if entry.kind == "latency":
        return seconds(value)
    return percent(value) if entry.kind == "errors" else f"{value:.3f}"


def bounds(entry: MeasureEntry) -> str:
    """Return the change's bounds."""
    low, high = (entry.low, entry.high) if entry.kind != "orders" else (entry.high, entry.low)
    return f"{change(entry, low)} to {change(entry, high)}" if entry.low is not None else UNKNOWN


def tolerance(entry: MeasureEntry) -> str:
    """Return beyond which change it fails, and under which it passes."""
    if entry.kind == "orders":
        return f"FAIL: over {percent(entry.fail_over)} fewer, PASS: under {percent(entry.pass_under)} fewer"
    least = f", or {seconds(entry.min_change_s)}" if entry.min_change_s else ""
    return f"FAIL: over {change(entry, entry.fail_over)}{least}, PASS: under {change(entry, entry.pass_under)}{least}"


def what(entry: MeasureEntry) -> str:
    """Return what a measure measures."""
    source = ", by the server's counters" if entry.source == "prometheus" else ""
    if entry.kind == "latency":
        return f"p{100 * (entry.quantile or 0.95):g} of {', '.join(entry.steps)}"
    if entry.kind == "orders":
        return "orders accepted by started session"
    return f"failed requests{' of ' if entry.steps else ''}{', '.join(entry.steps)}{source}"


def not_compared(verdict: ComparisonVerdict) -> tuple[tuple[str, str], ...]:
    """Return why objectives aren't compared, each reason once after the names that it is about."""
    names: dict[str, list[str]] = {}
    for one in verdict.not_compared:
        names.setdefault(one.because, []).append(one.name)
    return tuple((", ".join(named), because) for because, named in names.items())


def played(verdict: ComparisonVerdict) -> str:
    """Return how it was played."""
    ways = {
        "variants": "both up at once, sessions chosen by blocks",
        "switch": "put up one after the other",
        "environments": "in two environments",
        "releases": "one after the other, the stand-in's own releases",
    }
    if verdict.how == HOW_DAYS:
        return f"B's run against A's of {count(verdict.pairs)} earlier days, a value a day"
    return (
        f"{ways.get(verdict.how, verdict.how)}: {count(verdict.pairs_played)} pairs of blocks of"
        f" {seconds(verdict.block_s)}, the first {seconds(verdict.skip_s)} of each left out; judged after"
        f" {count(verdict.pairs)}"
    )


def unit(verdict: ComparisonVerdict) -> str:
    """Return what one of its values is: a pair of blocks, or an earlier day."""
    return "day" if verdict.how == HOW_DAYS else "pair"


def grown(verdict: ComparisonVerdict) -> tuple[str, ...]:
    """Return what grew from A to B, a line each: the span, its self time in both, and an example of B's traces."""
    return tuple(
        f'{one.objective}: {one.service} "{one.span}" {seconds(one.self_s_before or 0.0)} → '
        f"{seconds(one.self_s_now or 0.0)} a trace, {one.calls_per_trace_before or 0.0:.3g} → "
        f"{one.calls_per_trace_now or 0.0:.3g} calls"
        + (f", such as trace {one.example_trace_ids[0]}" if one.example_trace_ids else "")
        for one in verdict.causes
    )
