"""The steps whose replies were wrong most often, with the first message that a sample of them has."""

from collections.abc import Iterator

from loadtests.results.error_samples import ErrorSample
from slo.findings import Fact, Finding, Severity
from slo.formatting import clip, count
from slo.objectives.indicators import RequestRecords

_MOST = 3
_LONGEST = 200


def worst_steps(requests: RequestRecords, samples: tuple[ErrorSample, ...]) -> tuple[Finding, ...]:
    """Return a note on each of the steps and errors that came most often and that a sample shows."""
    wrong = [(times, step, error) for (step, error), times in requests.counts().items() if error is not None]
    return tuple(_notes(sorted(wrong, key=lambda row: (-row[0], *row[1:])), samples))[:_MOST]


def _notes(counted: list[tuple[int, str, str]], samples: tuple[ErrorSample, ...]) -> Iterator[Finding]:
    for times, step, error in counted:
        first = next((one for one in samples if (one.step, one.error) == (step, error)), None)
        if first is None:
            continue
        answered = f"HTTP {first.status}" if first.status else "no reply"
        came = f"{first.error} {count(times)} times; first: {clip(first.why or answered, _LONGEST)}"
        message = f"{came}; see report.html#replies"
        facts: dict[str, Fact] = {"error": first.error, "times": times, "session": first.session}
        yield Finding(kind="cause", severity=Severity.NOTE, subject=first.step, message=message, facts=facts)
