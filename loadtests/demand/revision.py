"""A revision of a plan during its run: from a moment on, a multiple of its demand. A pause is factor 0.

The multiple is of the plan, not of the rate before: 1 is the plan again. Journeys, think times, phases and the
end stay. docs/decisions/0006 says why.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import ConfigDict, Field

from loadtests.demand.curve import Curve, Piece
from loadtests.demand.plan import MAX_DURATION_S
from slo.documents import Document

MAX_FACTOR = 100
MAX_REVISIONS = 1000


class Revision(Document):
    """From `at_s` seconds after the run's start, `factor` times the plan's demand; the numbers count from 1."""

    model_config = ConfigDict(strict=True)

    number: int = Field(ge=1, le=MAX_REVISIONS)
    at_s: float = Field(ge=0, le=MAX_DURATION_S)
    factor: float = Field(ge=0, le=MAX_FACTOR)
    why: str = Field(min_length=1, max_length=200)


def check_order(revisions: Sequence[Revision]) -> None:
    """Raise ValueError unless the numbers are 1, 2, 3, … and the moments don't decrease."""
    numbers = [revision.number for revision in revisions]
    if numbers != list(range(1, len(revisions) + 1)):
        raise ValueError(f"revisions must be numbered from 1 without a gap, found {numbers}")
    for before, after in pairwise(revisions):
        if after.at_s < before.at_s:
            moments = f"at {after.at_s:g} s, before revision {before.number} at {before.at_s:g} s"
            raise ValueError(f"revision {after.number} acts {moments}")


def factor_at(revisions: Sequence[Revision], t_s: float) -> float:
    """Return the multiple of the plan that applies at `t_s`."""
    return next((revision.factor for revision in reversed(revisions) if revision.at_s <= t_s), 1.0)


def revised_curve(curve: Curve, revisions: Sequence[Revision]) -> Curve:
    """Return the curve with its revisions applied; raises ValueError when they aren't in order."""
    check_order(revisions)
    borders = sorted({revision.at_s for revision in revisions})
    parts = (part for piece in curve.pieces for part in _cut(piece, borders))
    return Curve(pieces=tuple(_times(part, factor_at(revisions, part.start_s)) for part in parts))


def _cut(piece: Piece, borders: Sequence[float]) -> Iterator[Piece]:
    inner = [at_s for at_s in borders if piece.start_s < at_s < piece.end_s]
    rates = [max(0.0, piece.start_rate + piece.slope * (at_s - piece.start_s)) for at_s in inner]
    ends = zip([piece.start_s, *inner, piece.end_s], [piece.start_rate, *rates, piece.end_rate], strict=True)
    for (start_s, start_rate), (end_s, end_rate) in pairwise(ends):
        yield Piece(start_s=start_s, end_s=end_s, start_rate=start_rate, end_rate=end_rate)


def _times(piece: Piece, factor: float) -> Piece:
    return Piece(
        start_s=piece.start_s,
        end_s=piece.end_s,
        start_rate=piece.start_rate * factor,
        end_rate=piece.end_rate * factor,
    )
