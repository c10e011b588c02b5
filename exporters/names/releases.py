"""Releases: what is deployed, DORA's four measures over a window, and the gates."""

from exporters.names.family import Family

DEPLOYED_TO, VERSION, COMMIT, OUTCOME = "deployed_to", "version", "commit", "outcome"
_PLACES = "the places that the configuration names as deployed to"


def _family(name: str, text: str, *labels: str, bounded_by: str = "") -> Family:
    return Family(name=name, kind="gauge", help=text, labels=labels, bounded_by=bounded_by)


def _by_place(name: str, text: str, *labels: str, bounded_by: str = _PLACES) -> Family:
    return _family(name, text, DEPLOYED_TO, *labels, bounded_by=bounded_by)


WINDOW = _family("releases_window_seconds", "The time up to now over which the measures of releases are taken.")
INFO = _by_place(
    "release_info",
    "1 for the release that is deployed, with its version and commit.",
    VERSION,
    COMMIT,
    bounded_by=_PLACES + ", one release each",
)
LAST_DEPLOYMENT = _by_place(
    "releases_last_deployment_timestamp_seconds", "When the last deployment ended that succeeded."
)
DEPLOYMENTS = _by_place(
    "releases_deployments",
    "Deployments that ended in the window, by outcome: succeeded, failed.",
    OUTCOME,
    bounded_by=_PLACES + ", and two outcomes",
)
CHANGES = _by_place("releases_changes", "Commits that the window's deployments brought, merges left out.")
LEAD_TIME = _by_place(
    "releases_lead_time_median_seconds", "Median time from a commit to the end of the first deployment that holds it."
)
WITHOUT_COMMITS = _by_place(
    "releases_deployments_without_commits", "Deployments of the window whose commits aren't known."
)
MISDATED = _by_place(
    "releases_misdated_changes", "Commits left out of the lead time: they are dated after their deployment."
)
FAILED_CHANGES = _by_place(
    "releases_failed_changes", "Deployments of the window that an incident or a rollback names as its cause."
)
FAILURE_RATIO = _by_place(
    "releases_change_failure_ratio", "Ratio of the window's deployments that failed in service; absent without any."
)
FAILURE_RATIO_LOW = _by_place(
    "releases_change_failure_lower_bound_ratio",
    "The change failure ratio that the true one lies above with a probability of 95 percent.",
)
FAILURE_OBJECTIVE = _family(
    "releases_change_failure_objective_ratio", "How large the change failure ratio may be by the configuration."
)
RECOVERY_TIME = _by_place(
    "releases_recovery_time_median_seconds", "Median time that recovering from a failed deployment took."
)
UNRECOVERED = _by_place("releases_unrecovered_failures", "Failed deployments of the window that aren't recovered yet.")
UNMATCHED = _by_place(
    "releases_unmatched_failure_events",
    "Incidents and rollbacks of the window that name a release which wasn't deployed.",
)
GATES = _family(
    "releases_gates",
    "Gates among the newest runs, by the release that they judged and their outcome.",
    VERSION,
    OUTCOME,
    bounded_by='the ten releases that were judged last and "other", and four outcomes',
)
LAST_GATE = _family("releases_last_gate_timestamp_seconds", "When the last gate was decided.")
UNDECIDED = _family(
    "releases_undecided_gates",
    "How many of the last gates in a row ended without a decision: inconclusive, unreadable.",
)
GATE_PASSED = _by_place(
    "release_gate_passed", "1 when the release that is deployed has passed a gate, 0 when no gate among the newest did."
)
WITHOUT_GATE = _by_place(
    "releases_deployed_without_gate", "Releases first deployed in the window before any gate had passed them."
)
