"""What is written about a finished run: the summary of a job and the comment of a pull request, in Markdown."""

from scripts.ci.conclusion import Conclusion
from scripts.ci.finished import Finished
from slo.rendering.markdown import escape, shorten

STEP_SUMMARY_BYTES = 1 << 20  # GitHub: 1 MiB a step
CHECK_SUMMARY_BYTES = 65_535  # GitHub: characters; bytes are never fewer
COMMENT_BYTES = 65_536  # GitHub: characters; GitLab allows a million
_CUT = "\n_cut: the whole is in summary.md of the artifact_\n"
_ICONS = {
    "shown": "✅",
    "failed": "❌",
    "advisory": "⚠️",
    "not-shown-blocks": "⛔",
    "not-shown-warns": "⚠️",
    "not-played": "❌",
}


def markdown(finished: Finished, conclusion: Conclusion, notes: tuple[str, ...], max_bytes: int) -> str:
    """Return the conclusion, what has to be known of how it came about, and the run's own summary, cut to fit."""
    head = f"## {_ICONS[conclusion.word]} {escape(conclusion.title)}\n\n"
    told = "".join(f"- {escape(note)}\n" for note in notes)
    return shorten(head + (f"{told}\n" if told else "") + finished.summary, max_bytes, _CUT)


def comment(name: str, body: str, page: str) -> str:
    """Return a comment of `body`, cut to fit before, with the mark by which the next one edits it in place."""
    link = f"\n[The job, with the report as its artifact]({page})\n" if page else ""
    return f"{mark(name)}\n{body}{link}"


def mark(name: str) -> str:
    """Return the first line of a comment of ours; `name` tells several gates on one pull request apart."""
    return f"<!-- peakproof: {name} -->"
