"""What a cleanup of a run removed and what it left, in one sentence for the verdict and its pages."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from loadtests.cleanup.journal import Journal


def many(number: int, kind: str) -> str:
    """Return how many of a kind."""
    return f"{number:,} {kind}{'' if number == 1 else 's'}"


def cleaned_up(path: Path) -> str | None:
    """Return what the journal of a run's cleanup says, None where none began; raises BadInput for another file."""
    journal = Journal(path)
    if not journal.rows:
        return None
    return "; ".join([_when(journal), *_what(journal), _left(journal)])


def _when(journal: Journal) -> str:
    at = datetime.fromtimestamp(journal.rows[-1].at // 1_000_000_000, UTC)
    return f"the shop was cleaned up at {at:%Y-%m-%d %H:%M} UTC"


def _what(journal: Journal) -> Iterator[str]:
    kinds: dict[str, Counter[str]] = {"removed": Counter(), "gone": Counter(), "failed": Counter()}
    for key, outcome in journal.outcomes.items():
        kinds["removed" if key in journal.removed else outcome][key[0]] += 1
    for outcome, word in (("removed", "removed"), ("gone", "gone already"), ("failed", "failed to remove")):
        if kinds[outcome]:
            yield f"{word}: {', '.join(many(number, kind) for kind, number in sorted(kinds[outcome].items()))}"
    if not journal.outcomes:
        yield "there was nothing to remove"


def _left(journal: Journal) -> str:
    last = journal.rows[-1]
    if last.event != "ended":
        return "it didn't come to its end, and what is left isn't known: go on with peakproof cleanup"
    open_ = "" if not last.unproven else f", and {many(last.unproven, 'thing')} can't be shown to be gone"
    if last.left:
        return f"{many(last.left, 'thing')} of the run {'is' if last.left == 1 else 'are'} left{open_}"
    return f"nothing is known to be left{open_}" if open_ else "by the shop's records nothing is left"
