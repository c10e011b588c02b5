"""The verdict on one screen, at most 24 lines of 100 columns, for a tired reader."""

from collections.abc import Iterator

from slo.findings import Finding, Severity
from slo.formatting import clean, clip, count, percent, seconds
from slo.outcomes import Outcome
from slo.verdict.audit_document import NOTHING
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.policy_lines import policy_lines, spend_lines
from slo.verdict.verdict import Verdict, summary_counts

COLUMNS = 100
LINES = 24
_NOT_JUDGED = 2
_NOT_SHOWN = 80
_CRITERIA = 2
_POLICY = 3
_WORDS = {"not_judged": "not judged", "no_data": "no data"}
_ORDER = ("missed", "undecided", "no_data", "met", "not_judged")
_COLOURS = {Outcome.PASS: "32", Outcome.FAIL: "31", Outcome.INCONCLUSIVE: "33"}
_TABLE = "{:<30} {:<10} {:<15} {:<15} {:>12} {:>8}"


def render_terminal(verdict: Verdict, *, colour: bool = False) -> str:
    """Return the verdict as text that ends in a newline; `colour` paints the outcome with ANSI codes."""
    head, tail = [*_head(verdict)], [*_tail(verdict)]
    table = [*_table(verdict, LINES - len(head) - len(tail))]
    lines = [clip(line, COLUMNS) for line in (*head, *table, *tail)][:LINES]
    if colour:
        word = verdict.outcome.value
        lines[0] = lines[0].replace(word, f"\x1b[1;{_COLOURS[verdict.outcome]}m{word}\x1b[0m", 1)
    return "\n".join(lines) + "\n"


def _head(verdict: Verdict) -> Iterator[str]:
    """Return the outcome with what it is about, and its reason."""
    yield from _wrap(f"{verdict.word}  {clean(verdict.about.line)}", 2)
    yield from _wrap(f"      {clean(verdict.headline.removeprefix(verdict.outcome.value))}", 3)
    yield ""


def _table(verdict: Verdict, most: int) -> Iterator[str]:
    """Return the objectives, the worst first, in at most so many lines."""
    yield _TABLE.format("objective", "outcome", "observed", "limit", "events", "deff")
    ranked = sorted(verdict.objectives, key=lambda one: _ORDER.index(one.outcome))
    shown = len(ranked) if len(ranked) < most else most - 2
    yield from map(_row, ranked[:shown])
    if len(ranked) > shown:
        yield f"and {len(ranked) - shown} more: {summary_counts(verdict)} in all"


def _tail(verdict: Verdict) -> Iterator[str]:
    yield from _given_up(verdict)
    yield ""
    yield from _criteria(verdict)
    for number, line in enumerate(_policy(verdict)):
        yield f"{'' if number else 'policy':<9} {clean(line)}"
    for line in spend_lines(verdict)[:1]:
        yield from _wrap(f"budget    {clean(line)}", 2, indent=10)
    yield f"promises  {clean(_promises(verdict))}"
    yield f"load      {clean(_load(verdict))}"
    for one in verdict.findings:
        if one.kind == "cleanup":
            yield from _wrap(f"cleanup   {clean(one.message)}", 3, indent=10)
    yield from _replies(verdict)
    if verdict.not_shown:
        limits = "; ".join(clip(clean(one), _NOT_SHOWN) for one in verdict.not_shown)
        yield from _wrap(f"not shown {limits}", 4, indent=10)
    yield from _no_cause(verdict)
    for number, line in enumerate(_next(verdict)):
        yield f"{'' if number else 'next':<9} {clean(line)}"


def _criteria(verdict: Verdict) -> Iterator[str]:
    """Return the criteria that aren't held, the enforced first, and how many are."""
    open_ones = sorted((one for one in verdict.criteria if one.outcome != "held"), key=lambda one: not one.enforced)
    for number, one in enumerate(open_ones[:_CRITERIA]):
        word = "" if one.enforced else ", advisory"
        told = clean(f"{one.name}: {one.outcome}{word}: {one.because}; {one.noise}")
        yield from _wrap(f"{'' if number else 'criteria':<9} {told}", 3, indent=10)
    rest = len(verdict.criteria) - len(open_ones[:_CRITERIA])
    if rest:
        held = sum(one.outcome == "held" for one in verdict.criteria)
        yield f"{'' if open_ones else 'criteria':<9} {held} of {len(verdict.criteria)} held"


def _policy(verdict: Verdict) -> Iterator[str]:
    lines = policy_lines(verdict)
    yield from lines[:_POLICY]
    if len(lines) > _POLICY:
        yield f"{len(lines) - _POLICY} more, in summary.md"


def _wrap(text: str, most: int, indent: int = 6) -> list[str]:
    """Break at spaces into at most `most` lines, the last clipped."""
    lines: list[str] = []
    while len(text) > COLUMNS and len(lines) < most - 1:
        at = text.rfind(" ", 0, COLUMNS + 1)
        at = at if at > COLUMNS // 2 else COLUMNS
        lines.append(text[:at].rstrip())
        text = " " * indent + text[at:].lstrip()
    return [*lines, text]


def _row(result: ObjectiveResult) -> str:
    seen = "-" if result.ratio_good is None else f"{percent(1 - result.ratio_good)} bad"
    limit = f"{percent(result.budget)} bad" if result.threshold_s is None else _latency_limit(result)
    outcome = _WORDS.get(result.outcome, result.outcome)
    effect = f"{result.decisive_design_effect:.1f}" if result.events else "-"
    return _TABLE.format(clip(clean(result.name), 30), outcome, seen, limit, count(result.events), effect)


def _latency_limit(result: ObjectiveResult) -> str:
    return f"{percent(result.budget)} > {seconds(result.threshold_s or 0.0)}"


def _given_up(verdict: Verdict) -> Iterator[str]:
    given_up = [one for one in verdict.objectives if one.outcome == "not_judged"]
    for result in given_up[:_NOT_JUDGED]:
        yield f"not judged: {clean(f'{result.name}: {result.because}')}"
    if len(given_up) > _NOT_JUDGED:
        yield f"not judged: {len(given_up) - _NOT_JUDGED} more, in verdict.json"


def _promises(verdict: Verdict) -> str:
    points = [point for point in verdict.checks if point.kind == "audit"]
    for status in ("bad", "unknown"):
        found = [point for point in points if point.status == status]
        if found:
            word = "broken" if status == "bad" else "not known"
            if len(found) > 1:  # the headline has the first one's reason
                return f"{len(found)} {word}: {', '.join(point.name for point in found)}"
            return f"{word}: {found[0].name}: {found[0].message}"
    good = sum(point.status == "good" for point in points)
    empty = sum(point.status == "left out" and point.message == NOTHING for point in points)
    rest = sum(point.status == "left out" for point in points) - empty
    return (
        f"{good} of {len(points)} hold"
        + (f", {empty} had nothing to check" * bool(empty))
        + (f", {rest} not audited: the environment declares no source" * bool(rest))
    )


def _load(verdict: Verdict) -> str:
    wrong = [point for point in verdict.checks if point.kind == "validity" and point.status != "good"]
    if wrong and not (verdict.aborted and verdict.outcome is Outcome.FAIL):  # what isn't known of it saves no miss
        return f"not valid: {wrong[0].name}: {wrong[0].message}{_more(len(wrong) - 1)}"
    length = "" if verdict.judged is None else f", {verdict.judged.duration_s:.0f} s judged"
    left = sum(verdict.left_out.values())
    return f"{verdict.aborted or 'delivered as planned'}{length}" + (
        f", {count(left)} requests outside of it left out" if left else ""
    )


def _replies(verdict: Verdict) -> Iterator[str]:
    """Return the step whose replies were wrong most often, unless the verdict is that all is well."""
    notes = [one for one in verdict.findings if one.kind == "cause" and one.severity is Severity.NOTE]
    worst = next((one for one in notes if "error" in one.facts), None)
    if worst is not None and verdict.outcome is not Outcome.PASS:
        yield f"replies   {clean(f'{worst.subject}: {worst.message}')}"


def _no_cause(verdict: Verdict) -> Iterator[str]:
    """Return why a FAIL names no cause, where that is known."""
    notes = [one for one in verdict.findings if one.kind == "cause" and "error" not in one.facts]
    if verdict.outcome is Outcome.FAIL and notes and not verdict.causes:
        yield f"cause     not known: {clean(notes[0].message)}"


def _more(more: int) -> str:
    return f" (and {more} more)" if more > 0 else ""


def _next(verdict: Verdict) -> Iterator[str]:
    """Return what to do next, at most three lines."""
    if verdict.outcome is Outcome.PASS:
        yield "nothing has to be mended"
        return
    if verdict.outcome is Outcome.FAIL and verdict.causes:
        examples = ", ".join(verdict.causes[0].example_trace_ids[:2])
        yield f"look at trace {examples}"
    if verdict.outcome is Outcome.FAIL:
        yield "report.html: the slowest requests span by span, and an example of each broken promise"
        return
    changes = dict.fromkeys(_change(finding) for finding in verdict.findings if _open(finding))
    yield from list(changes)[:3]


def _open(finding: Finding) -> bool:
    return finding.severity is Severity.INCONCLUSIVE and bool(finding.change)


def _change(finding: Finding) -> str:
    return f"{finding.subject}: {finding.change}"
