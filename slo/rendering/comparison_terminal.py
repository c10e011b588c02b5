"""The verdict over two releases in a terminal: the outcome and why first, one line a measure, then what to know."""

from collections.abc import Iterator

from slo.formatting import clean
from slo.outcomes import Outcome
from slo.regression.verdict_document import ComparisonVerdict, MeasureEntry
from slo.rendering.comparison_lines import bounds, change, grown, level, not_compared, played, tolerance, what

_COLOURS = {Outcome.PASS: "32", Outcome.FAIL: "31", Outcome.INCONCLUSIVE: "33"}


def render_comparison(verdict: ComparisonVerdict, *, colour: bool) -> str:
    """Return the text; whatever a name holds, it is plain."""
    return "\n".join(_lines(verdict, colour=colour)) + "\n"


def _lines(verdict: ComparisonVerdict, *, colour: bool) -> Iterator[str]:
    yield _coloured(clean(verdict.first_line), verdict.verdict, colour=colour)
    yield f"  {clean(verdict.because)}"
    if verdict.needs:
        yield f"  to settle it: {clean(verdict.needs)}"
    yield ""
    width = max((len(one.name) for one in verdict.measures), default=0)
    for entry in verdict.measures:
        yield from _measure(entry, width, colour=colour)
    for line in grown(verdict):
        yield f"  grew          {clean(line)}"
    for names, because in not_compared(verdict):
        yield f"  not compared  {clean(names)}: {clean(because)}"
    yield ""
    yield f"  {played(verdict)}"
    for note in verdict.notes:
        yield f"  note: {clean(note)}"


def _measure(entry: MeasureEntry, width: int, *, colour: bool) -> Iterator[str]:
    outcome = _coloured(f"{entry.outcome:<12}", Outcome(entry.outcome), colour=colour)
    seen = f"{level(entry, entry.value_a)} -> {level(entry, entry.value_b)}"
    found = f"{change(entry, entry.change)} ({bounds(entry)})" if entry.change is not None else "not known"
    yield f"  {outcome}  {clean(entry.name):<{width}}  {seen}, {found}"
    detail = f"{what(entry)}; {tolerance(entry)}"
    if entry.detectable is not None:
        detail += f"; found with a chance of 80 %: {change(entry, entry.detectable)}"
    yield f"{'':16}{clean(detail)}"
    if entry.because and entry.outcome != Outcome.PASS.value:
        yield f"{'':16}{clean(entry.because)}" + (f"; needs {clean(entry.needs)}" if entry.needs else "")


def _coloured(text: str, outcome: Outcome, *, colour: bool) -> str:
    return f"\x1b[1;{_COLOURS[outcome]}m{text}\x1b[0m" if colour else text
