"""The verdict for a pull request: `summary.md`, safe against whatever a name or a span may hold."""

import re
from collections.abc import Iterator

from slo.causes.causes import Cause
from slo.findings import Severity
from slo.formatting import clean, clip, count, percent, seconds
from slo.outcomes import Outcome
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.policy_lines import policy_lines, spend_lines
from slo.verdict.verdict import Verdict

MAX_BYTES = 1 << 20
_ICONS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔"}
_ORDER = ("missed", "undecided", "no_data", "met", "not_judged")
_MAX_CELL = 400
_CUT = "\n_cut: the whole is in verdict.json_\n"
# Hosts link what looks like a mention, an address, an issue or a label, some of them only in the finished HTML, where
# no escape is left: a space of no width after its first part keeps them from it.
_APART = "&#8203;"
_LINKED = re.compile(
    r"@(?=\w)|\bGH-(?=\d)|#(?=\d)|!(?=\d)|&(?=\d)|~(?=\w)|:(?=//)|\bwww\.|\bmailto:|\bxmpp:|:(?=[A-Za-z+-][\w+-]*:)",
    re.IGNORECASE,
)
# What begins a span, or an entity or a tag, wherever it stands (CommonMark 0.31.2, chapter 6; GFM's tables and ~).
_SPAN = re.compile(r"(?<![^\W_])_|_(?![^\W_])|[*`~\[\]$]|\\(?=[!-/:-@\[-`{-~]|$)")
# What begins a block or, in GitLab's comments, a command, at the start of a line (chapter 4 and 5).
_BLOCK = re.compile(r"^(?:[#>+=/:-]|\d{1,9}(?=[.)](?:\s|$)))")
# What would close a heading at the end of a line (section 4.2).
_CLOSING = re.compile(r"(?<=\s)#+(?=\s*\Z)")


def render_markdown(verdict: Verdict) -> str:
    """Return the summary, the most important first, at most 1 MiB of UTF-8 (GitHub's limit of a step's summary)."""
    return shorten("\n".join(_lines(verdict)) + "\n", MAX_BYTES)


def shorten(text: str, max_bytes: int, note: str = _CUT) -> str:
    """Return `text` in at most `max_bytes` of UTF-8, cut at the end of a line and saying so in `note`."""
    raw = text.encode()
    if len(raw) <= max_bytes:
        return text
    cut = raw[: max_bytes - len(note.encode())].decode(errors="ignore")
    return cut[: cut.rfind("\n") + 1] + note


def escape(text: str) -> str:
    """Return `text` so that Markdown and HTML read it as plain text: no link, mention, tag, table or heading.

    What can't be read as markup stays as it is, so that the source reads well, too.
    """
    plain = clip(clean(text), _MAX_CELL)
    apart = _LINKED.sub(lambda match: match.group() + "\0", plain)  # which no clean text holds
    start = _BLOCK.match(apart)
    begin = "" if start is None else start.group()
    rest = _SPAN.sub(lambda match: "\\" + match.group(), apart[len(begin) :])
    rest = _CLOSING.sub(lambda match: "\\" + match.group(), rest)
    return _entities(_block(begin) + rest).replace("\0", _APART)


def _block(begin: str) -> str:
    """Return what would begin a block as text: a sign is escaped, and of a number the sign behind it."""
    return begin + "\\" if begin.isdigit() else "\\" + begin if begin else ""


def _entities(text: str) -> str:
    """Escape what would begin an entity or a tag, and what ends a table's cell however it is escaped."""
    amended = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return re.sub(r"<(?=[^\s\d])", "&lt;", amended).replace("|", "&#124;")


def _lines(verdict: Verdict) -> Iterator[str]:
    yield f"### {_ICONS[verdict.outcome]} {escape(verdict.first_line)}"
    yield ""
    yield escape(verdict.headline.removeprefix(verdict.outcome.value).strip())
    yield ""
    yield f"Run {escape(verdict.run)}"
    yield ""
    if lines := (*policy_lines(verdict), *spend_lines(verdict)):
        yield from (*(f"- {escape(one)}" for one in lines), "")
    yield "| Objective | Outcome | Bad, observed | Bad, allowed | Events | Design effect | Why |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for result in sorted(verdict.objectives, key=lambda one: _ORDER.index(one.outcome)):
        yield _row(result)
    yield from _criteria(verdict)
    yield from _causes(verdict)
    yield from _findings(verdict)
    if verdict.not_shown:
        yield from ("", "#### What this doesn't show", "", *(f"- {escape(one)}" for one in verdict.not_shown))


def _row(result: ObjectiveResult) -> str:
    seen = "" if result.ratio_good is None else percent(1 - result.ratio_good)
    limit = "" if result.threshold_s is None else f" over {seconds(result.threshold_s)}"
    why = result.because + (f"; needs {result.needs}" if result.needs else "")
    outcome = result.outcome.replace("_", " ")
    cells = [
        _named(result),
        f"**{outcome}**" if result.outcome != "met" else outcome,
        seen,
        f"{percent(result.budget)}{limit}",
        count(result.events),
        f"{result.decisive_design_effect:.1f}",
        escape(why),
    ]
    return f"| {' | '.join(cells)} |"


def _criteria(verdict: Verdict) -> Iterator[str]:
    if not verdict.criteria:
        return
    yield from ("", "#### Criteria over windows", "", "| Criterion | Outcome | Seen | By chance |", "|---|---|---|---|")
    for one in verdict.criteria:
        outcome = one.outcome if one.outcome == "held" else f"**{one.outcome}**"
        word = "enforced" if one.enforced else "advisory"
        cells = [f"{escape(one.says)} ({escape(one.name)}, {word})", outcome, escape(one.because), escape(one.noise)]
        yield f"| {' | '.join(cells)} |"


def _named(result: ObjectiveResult) -> str:
    own = escape(result.name)
    return own if result.display_name == result.name else f"{escape(result.display_name)} ({own})"


def _causes(verdict: Verdict) -> Iterator[str]:
    if not verdict.causes:
        return
    yield ""
    yield "#### What grew since the reference phase"
    yield ""
    yield "| For | Service | Span | Self time a trace | Grew by (at least, 95 %) | Calls a trace | Traces | Slowest |"
    yield "|---|---|---|---:|---:|---:|---:|---|"
    for cause in verdict.causes:
        yield _cause(cause)


def _cause(cause: Cause) -> str:
    cells = [
        escape(cause.objective),
        escape(cause.service),
        escape(cause.span),
        f"{seconds(cause.self_s_before)} → {seconds(cause.self_s_now)}",
        f"{seconds(cause.grew_s)} (at least {seconds(cause.grew_low_s)})",
        f"{cause.calls_per_trace_before:.3g} → {cause.calls_per_trace_now:.3g}",
        f"{count(cause.traces_before)} → {count(cause.traces_now)}",
        ", ".join(escape(trace) for trace in cause.example_trace_ids),
    ]
    return f"| {' | '.join(cells)} |"


def _findings(verdict: Verdict) -> Iterator[str]:
    others = [one for one in verdict.findings if one.kind not in ("objective", "criterion")]
    for severity, title in (
        (Severity.FAIL, "Broken"),
        (Severity.INCONCLUSIVE, "Not known, or not valid"),
        (Severity.NOTE, "Notes"),
    ):
        found = [one for one in others if one.severity is severity]
        if not found:
            continue
        yield ""
        yield f"#### {title}"
        yield ""
        for one in found:
            change = f" Next: {escape(one.change)}" if one.change else ""
            yield f"- {escape(one.subject)}: {escape(one.message)}.{change}"
