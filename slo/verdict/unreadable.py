"""The verdict on a run of which so much is gone or changed that nothing can be judged."""

from collections.abc import Sequence

from slo.outcomes import Outcome
from slo.validity.checks import Checked
from slo.validity.context import invalid
from slo.validity.run_document import RunDocument
from slo.verdict.about import about
from slo.verdict.checkpoints import checkpoint
from slo.verdict.verdict import Verdict, headlined


def unreadable(run: str, altered: Sequence[Checked], why: str, decided_at: int) -> Verdict:
    """Return INCONCLUSIVE by what was found wrong with the evidence, and `why` it can't be read."""
    cannot = invalid("evidence", why, "take the run directory as the run left it, or run again")
    verdict = Verdict(
        run=run,
        about=about(RunDocument(run=run)),
        outcome=Outcome.INCONCLUSIVE,
        headline="",
        decided_at=decided_at,
        judged=None,
        left_out={},
        objectives=(),
        findings=(*(finding for checked in altered for finding in checked.findings), cannot),
        checks=tuple(checkpoint("validity", checked.name, checked.findings) for checked in altered),
        is_altered=True,
        is_contradictory=False,
    )
    return headlined(verdict)
