"""Whether anybody did in a run what they came for: objectives may be met that aren't about the steps which failed.

It changes no FAIL: a missed objective says more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from slo.findings import Finding, Severity
from slo.formatting import count
from slo.validity.run_document import RunDocument

_CHANGE = "see report.html#replies and peakproof try; give the steps that fail an objective"


def check_done(run: RunDocument, failed_journeys: Mapping[str, int] | None) -> Iterator[Finding]:
    """Find a run in which sessions failed and none was completed, of all or of a journey, or orders likewise.

    `failed_journeys` are those journeys, with how many of their sessions failed.
    """
    visits, orders = run.account, run.orders
    if visits is not None and visits.failed and visits.completed == 0:
        yield _finding("sessions", f"{count(visits.failed)} sessions failed, and none did what it came for")
    elif failed_journeys is None:
        yield replace(_finding("journeys", "whether each journey was ever completed is not known"), known=False)
    else:
        for journey, failed in failed_journeys.items():
            yield _finding(journey, f"{count(failed)} sessions of {journey} failed, and none did what it came for")
    if orders is not None and orders.unknown and orders.accepted == 0:
        yield _finding("orders", f"{count(orders.unknown)} orders failed, and none was accepted")


def _finding(subject: str, message: str) -> Finding:
    return Finding(kind="validity", severity=Severity.INCONCLUSIVE, subject=subject, message=message, change=_CHANGE)
