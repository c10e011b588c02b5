"""Whether the shop showed a shopper another's data, by the canaries that sessions left in theirs.

One reply is enough: no load, no share and no waiver makes it good.
"""

from collections.abc import Iterator, Mapping

from slo.findings import Finding, Severity
from slo.formatting import count
from slo.validity.run_document import RunDocument
from slo.verdict.checkpoints import Checkpoint, checkpoint

OWN_DATA = "own-data-only"
OTHERS_DATA = "others_data"
"""The error of a request record whose reply showed another shopper's canary."""
_MOST_STEPS = 5


def check_own_data(run: RunDocument, shown: Mapping[str, int]) -> Iterator[Finding]:
    """Find that replies showed another shopper's data: `shown` by step in the records, or as the workers counted."""
    counted = run.canaries.shown if run.canaries is not None else None
    replies = max(sum(shown.values()), counted or 0)
    if not replies:
        return
    by_step = sorted(shown.items(), key=lambda one: (-one[1], one[0]))
    where = ", ".join(f"{step} {count(number)}" for step, number in by_step[:_MOST_STEPS] if number)
    what = "1 reply" if replies == 1 else f"{count(replies)} replies"
    message = f"{what} showed one shopper another's data{f' ({where})' if where else ''}: errors/ has the first"
    facts = {"broken": replies}
    yield Finding(kind="audit", severity=Severity.FAIL, subject=OWN_DATA, message=message, facts=facts)


def own_data_checkpoint(run: RunDocument, findings: tuple[Finding, ...]) -> Iterator[Checkpoint]:
    """Yield the check's status; none where no session left a canary and nothing was found."""
    left = run.canaries.sessions if run.canaries is not None else None
    if findings:
        yield checkpoint("audit", OWN_DATA, findings)
    elif left:
        message = f"{count(left)} sessions left a canary, and no reply showed another's"
        yield Checkpoint(kind="audit", name=OWN_DATA, status="good", message=message)
