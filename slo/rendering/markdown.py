"""The verdict for a pull request: `summary.md`, safe against whatever a name or a span may hold."""

import re
from collections.abc import Iterator

from slo.causes.causes import Cause
from slo.findings import Severity
from slo.formatting import clean, clip, count, percent, seconds
from slo.outcomes import Outcome
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.verdict import Verdict

MAX_BYTES = 1 << 20
_ICONS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-!|~:@/.])")
_MAX_CELL = 400
_CUT = "\n_cut: the whole is in verdict.json_\n"


def render_markdown(verdict: Verdict) -> str:
    """Return the summary, at most 1 MiB of UTF-8 (GitHub's limit), cut at a line and saying so."""
    text = "\n".join(_lines(verdict)) + "\n"
    raw = text.encode()
    if len(raw) <= MAX_BYTES:
        return text
    cut = raw[: MAX_BYTES - len(_CUT.encode())].decode(errors="ignore")
    return cut[: cut.rfind("\n") + 1] + _CUT


def escape(text: str) -> str:
    """Return `text` so that Markdown and HTML read it as plain text: no link, mention, tag, table or heading."""
    plain = clip(clean(text), _MAX_CELL)
    marked = _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", plain.replace("&", "&amp;"))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def _lines(verdict: Verdict) -> Iterator[str]:
    yield f"### {_ICONS[verdict.outcome]} {escape(verdict.first_line)}"
    yield ""
    yield escape(verdict.headline.removeprefix(verdict.outcome.value).strip())
    yield ""
    yield f"Run {escape(verdict.run)}"
    yield ""
    yield "| Objective | Outcome | Bad, observed | Bad, allowed | Events | Design effect | Why |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for result in verdict.objectives:
        yield _row(result)
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
        f"{escape(result.display_name)} ({escape(result.name)})",
        f"**{outcome}**" if result.outcome != "met" else outcome,
        seen,
        f"{percent(result.budget)}{limit}",
        count(result.events),
        f"{result.decisive_design_effect:.1f}",
        escape(why),
    ]
    return f"| {' | '.join(cells)} |"


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
    others = [one for one in verdict.findings if one.kind != "objective"]
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
