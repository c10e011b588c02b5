"""`comparison.html`: which of two releases is worse, on one page without scripts that needs no network."""

from dataclasses import dataclass

from dashboards.report.comparison_chart import PairChart, pair_chart
from dashboards.report.templating import page_from
from slo.regression.verdict_document import ComparisonVerdict, MeasureEntry
from slo.rendering.comparison_lines import bounds, change, grown, level, played, tolerance, unit, what

FILE = "comparison.html"
_MARKS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure as the page shows it."""

    entry: MeasureEntry
    what: str
    a: str
    b: str
    change: str
    bounds: str
    tolerance: str
    detectable: str
    chart: PairChart | None
    unknown: tuple[str, ...]


def comparison_page(verdict: ComparisonVerdict) -> str:
    """Return the page's HTML, which is kept in the comparison's folder."""
    rows = tuple(_row(entry, unit(verdict)) for entry in verdict.measures)
    mark = _MARKS.get(verdict.outcome, "?")
    shown = {"rows": rows, "played": played(verdict), "mark": mark, "grown": grown(verdict), "unit": unit(verdict)}
    return page_from("comparison_page.html.j2", verdict=verdict, **shown)


def _row(entry: MeasureEntry, unit: str) -> Row:
    return Row(
        entry=entry,
        what=what(entry),
        a=level(entry, entry.value_a),
        b=level(entry, entry.value_b),
        change=change(entry, entry.change),
        bounds=bounds(entry),
        tolerance=tolerance(entry),
        detectable=change(entry, entry.detectable),
        chart=pair_chart(entry),
        unknown=tuple(f"{unit} {one.number}: {one.because}" for one in entry.blocks if one.because),
    )
