"""The verdict over two releases for a pull request: `summary.md`, safe against whatever a name may hold."""

from collections.abc import Iterator

from slo.outcomes import Outcome
from slo.regression.verdict_document import ComparisonVerdict, MeasureEntry
from slo.rendering.comparison_lines import bounds, change, grown, level, not_compared, played, tolerance, what
from slo.rendering.markdown import escape

_ICONS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔"}


def render_comparison_markdown(verdict: ComparisonVerdict) -> str:
    """Return the summary."""
    return "\n".join(_lines(verdict)) + "\n"


def _lines(verdict: ComparisonVerdict) -> Iterator[str]:
    yield f"### {_ICONS[verdict.verdict]} {escape(verdict.first_line)}"
    yield from ("", escape(verdict.because), "")
    if verdict.needs:
        yield from (f"To settle it: {escape(verdict.needs)}", "")
    yield from (f"Comparison {escape(verdict.name)}", "")
    yield "| Measure | Outcome | A | B | Change | Bounds | Tolerance | Found with 80 % | Why |"
    yield "|---|---|---:|---:|---:|---:|---|---:|---|"
    for entry in verdict.measures:
        yield _row(entry)
    if verdict.causes:
        yield from ("", "#### What grew from A to B", "", *(f"- {escape(line)}" for line in grown(verdict)))
    if verdict.not_compared:
        yield from ("", "#### Not compared", "")
        yield from (f"- {escape(names)}: {escape(because)}" for names, because in not_compared(verdict))
    yield from ("", "#### How both ran", "", f"- {escape(played(verdict))}")
    yield from (f"- {escape(note)}" for note in verdict.notes)


def _row(entry: MeasureEntry) -> str:
    why = (entry.because or "") + (f"; needs {entry.needs}" if entry.needs else "")
    cells = [
        f"{escape(entry.name)} ({escape(what(entry))})",
        entry.outcome if entry.outcome == Outcome.PASS.value else f"**{entry.outcome}**",
        level(entry, entry.value_a),
        level(entry, entry.value_b),
        change(entry, entry.change),
        bounds(entry),
        tolerance(entry),
        change(entry, entry.detectable),
        escape(why),
    ]
    return f"| {' | '.join(cells)} |"
