"""Whether a run that is over was worth judging."""

from loadtests.journeys import BUYERS
from loadtests.run_directory import RunDirectory
from scripts.running.evidence import read_recorded
from slo.delivery import Delivered, delivered
from slo.findings import Finding
from slo.run_facts import judged_window, run_facts
from slo.validity import check_validity


def validity_findings(directory: RunDirectory) -> tuple[Finding, ...]:
    """Return what stands against judging the run; raises BadInput when the directory can't be read."""
    recorded = read_recorded(directory.path)
    facts = run_facts(recorded.run, str(directory.run))
    window = judged_window(facts)
    records = NOTHING if window is None else delivered(recorded.sessions, recorded.requests, window, BUYERS)
    checked = check_validity(facts, records, recorded.declared)
    return tuple(finding for check in checked for finding in check.findings)


NOTHING = Delivered(due=None, on_time=None, requests=None, blocked=None, session_rows=None, request_rows=None)
