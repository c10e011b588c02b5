"""Validity of what was kept of a run: its evidence, and apart from it what only the pages show."""

from collections.abc import Iterator

from slo.findings import Finding
from slo.validity.context import Given, invalid, note, unknown


def evidence(given: Given) -> Iterator[Finding]:
    """Find evidence that couldn't be kept; note what only the pages lack."""
    notes = given.run.notes
    if notes is None:
        yield unknown("evidence", "whether all that a verdict rests on was kept")
    for lacking in notes or ():
        yield invalid("evidence", lacking, "mend that, and run again")
    for gap in given.run.page_gaps or ():
        yield note("evidence", gap)
