"""What the live snapshot says of a criterion, whichever way its windows are followed."""

from loadtests.results.live_document import Criterion as CriterionEntry
from slo.policy.criteria import Criterion


def entry_of(criterion: Criterion, value: float | None, *, is_beyond: bool, beyond_s: int) -> CriterionEntry:
    """Return the entry of a criterion by its last window, and for how many seconds it has been beyond its limit."""
    return CriterionEntry(
        name=criterion.name,
        says=criterion.says,
        value=value,
        limit=criterion.limit,
        beyond=is_beyond,
        beyond_s=beyond_s,
        enforce=criterion.enforce,
    )
