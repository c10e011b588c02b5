"""What a policy made of a verdict, in lines that every rendering prints."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the verdict's document holds the lines
    from slo.verdict.verdict import Verdict

_ADVISORY = "advisory: the exit code is 0, whatever the verdict"
_DOUBTED = "the policy's advisory mode isn't taken: what the run left is altered, contradicts itself or isn't verified"
_WORDS = {"expired": "waives nothing", "refused": "waives nothing", "unused": "is not needed"}


def policy_lines(verdict: "Verdict") -> tuple[str, ...]:
    """Return a line for the advisory mode and one for each waiver, those that waived something first."""
    lines = []
    if verdict.is_advisory:
        lines.append(f"{_ADVISORY}; enforced it would be {int(verdict.outcome.exit_code)}")
    elif verdict.mode == "advisory":
        lines.append(_DOUBTED)
    order = ("waived", "expired", "refused", "unused")
    for one in sorted(verdict.waivers, key=lambda one: order.index(one.status)):
        whose = f"{one.owner}, until {one.expires.isoformat()}: {one.reason}"
        word = _WORDS.get(one.status)
        said = f"waived {one.waives}" if word is None else f"the waiver of {one.waives} {word}"
        lines.append(f"{said} ({whose}): {one.message}")
    return tuple(lines)


def spend_lines(verdict: "Verdict") -> tuple[str, ...]:
    """Return what a peak like this would spend in production, the largest share first; none where it isn't declared."""
    spent = [one for one in verdict.objectives if one.production_spend is not None]
    return tuple(
        f"{one.name}: {one.budget_spend_note}" for one in sorted(spent, key=lambda one: -(one.production_spend or 0.0))
    )
