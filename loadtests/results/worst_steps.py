"""The steps whose replies were wrong most often, with the first message that a sample of them has."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from loadtests.results.error_samples import ErrorSample
from slo.findings import Fact, Finding, Severity
from slo.formatting import clip, count

_MOST = 3
_LONGEST = 200


def worst_steps(requests: pa.Table, samples: tuple[ErrorSample, ...]) -> tuple[Finding, ...]:
    """Return a note on each of the steps and errors that came most often and that a sample shows."""
    wrong = requests.filter(pc.is_valid(requests["error"]))
    counted = wrong.group_by(["step", "error"]).aggregate([("step", "count")]).to_pylist()
    counted.sort(key=lambda row: (-row["step_count"], row["step"], row["error"]))
    return tuple(_notes(counted, samples))[:_MOST]


def _notes(counted: list[dict[str, str | int]], samples: tuple[ErrorSample, ...]) -> Iterator[Finding]:
    for row in counted:
        first = next((one for one in samples if (one.step, one.error) == (row["step"], row["error"])), None)
        if first is None:
            continue
        times = int(row["step_count"])
        answered = f"HTTP {first.status}" if first.status else "no reply"
        message = f"{first.error} {count(times)} times; first: {clip(first.why or answered, _LONGEST)}; see errors/"
        facts: dict[str, Fact] = {"error": first.error, "times": times, "session": first.session}
        yield Finding(kind="cause", severity=Severity.NOTE, subject=first.step, message=message, facts=facts)
