"""The criteria of a policy evaluated on a run directory."""

from functools import partial

from loadtests.demand.plan import Plan
from loadtests.results.counts_by_second import accepted_by_second, quantiles_in, seconds_of
from loadtests.results.request_records import RecordedRequests
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from slo.policy.criteria import Criterion, OrdersCriterion
from slo.policy.criterion_results import CriterionResult, evaluate_criteria
from slo.validity.run_document import RunDocument


def criteria_of(
    directory: RunDirectory,
    plan: Plan,
    run: RunDocument,
    requests: RecordedRequests,
    criteria: tuple[Criterion, ...],
) -> tuple[CriterionResult, ...]:
    """Return the result of each criterion; raises BadInput for files that can't be read."""
    window = run.judged_window
    quantiles = partial(quantiles_in, directory)
    if window is None or not criteria:
        return evaluate_criteria(criteria, {}, window, quantiles)
    wants_orders = any(isinstance(one, OrdersCriterion) for one in criteria)
    orders = accepted_by_second(directory, window) if wants_orders else None
    accepted = run.orders.accepted if run.orders else None
    revisions = read_revisions(directory)
    counts = {one.name: seconds_of(one, requests.by_second, plan, revisions, orders, accepted) for one in criteria}
    return evaluate_criteria(criteria, counts, window, quantiles)
