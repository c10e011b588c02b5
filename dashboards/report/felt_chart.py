"""The grid of what the shopper felt, drawn: a row for each step, a column for each minute."""

from collections.abc import Iterator

from dashboards.charts.heat import ERRORS, OVER, Cell, HeatGrid, heat
from dashboards.charts.svg import draw
from dashboards.charts.vega_specs import NARROW, WIDE
from dashboards.formatting import count, elapsed, length, percent, seconds
from dashboards.report.charts import Chart
from dashboards.report.felt import Felt, StepOverTime
from dashboards.report.records_query import Stretch

_MINUTE_S = 60


def felt_chart(felt: Felt, name: str, length_s: float | None = None) -> Chart | None:
    """Return the grid, over `length_s` where another run's is to be laid beside it; None without any request."""
    if not felt.steps:
        return None
    grid = HeatGrid(
        rows=[step.step for step in felt.steps],
        cells=[cell for step in felt.steps for cell in _cells(step, felt)],
        length_s=length_s or felt.time.length_s,
        stretch_s=felt.time.bin_s,
    )
    column = "a minute" if felt.time.bin_s == _MINUTE_S else length(felt.time.bin_s)
    label = f"95th percentile of the waiting by step and time, {column} to a column"
    wide, narrow = (draw(heat(grid, width), f"{name}{width}", label) for width in (WIDE, NARROW))
    note = f"The time that 95 of 100 requests took at most, {column} to a column."
    return Chart(title="p95 by step", note=note, wide=wide, narrow=narrow)


def _cells(step: StepOverTime, felt: Felt) -> Iterator[Cell]:
    for one in step.stretches:
        quantiles = one.quantiles_s
        yield Cell(
            row=step.step,
            start_s=float(one.index * felt.time.bin_s),
            value_s=quantiles[1] if quantiles else None,
            label=_short(quantiles[1]) if quantiles else "",
            marks=(OVER if step.is_over(one) else "") + (ERRORS if step.has_errors(one) else ""),
            hint=_hint(step, one, felt),
        )


def _short(value_s: float) -> str:
    """Return a time in as few letters as it can be read in: `87`, `892` (ms), `1.2 s`."""
    return f"{value_s * 1000:.0f}" if value_s < 0.9995 else seconds(value_s)  # noqa: PLR2004 - what would round to 1000


def _hint(step: StepOverTime, one: Stretch, felt: Felt) -> str:
    since = f"{step.step}, from {elapsed(one.index * felt.time.bin_s)}"
    if one.quantiles_s is None:
        return f"{since} — {count(one.requests)} requests, none answered before the run ended"
    p50, p95, p99 = map(seconds, one.quantiles_s)
    words = [f"{since} — p50 {p50}, p95 {p95}, p99 {p99}", f"{count(one.requests)} requests"]
    if step.limit:
        words.append(f"{percent(one.over / one.requests)} over {seconds(step.limit.threshold_s)}")
    return ", ".join([*words, f"{count(one.errors)} in error"])
