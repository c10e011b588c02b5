"""Which reasons that keep a verdict open lie outside the shop: a retry may help where no other is among them."""

from collections.abc import Sequence
from dataclasses import dataclass

# Checks of the load generator, its machine and what stands between it and the shop, and those that fail with them:
# what wasn't sent isn't delivered either.
_OUTSIDE = frozenset({"scheduling lag", "stalls", "generator CPU", "descriptors", "blocked"})
_FOLLOWS = frozenset({"load", "steps", "cut off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A validity check that isn't fine, by its name; `known` is False where that is because something isn't known."""

    check: str
    known: bool = True


def is_outside_alone(reasons: Sequence[Reason]) -> bool:
    """Whether all lie outside the shop, or follow from such; of none that is so, too."""
    return all(one.known and one.check in _OUTSIDE | _FOLLOWS for one in reasons)


def causes_outside(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Return the causes outside the shop, none where another cause, or one that isn't known, is among them."""
    if not is_outside_alone(reasons):
        return ()
    return tuple(sorted({one.check for one in reasons} & _OUTSIDE))
