"""The demand curve: the planned arrival rate (sessions a second) over time, as pure maths.

Straight pieces, one a phase, with jumps allowed between them. With u = t - start of the piece, d its length,
r0 and r1 its rates at both ends, and k = (r1 - r0) / d its slope:

    rate(t)              = r0 + k·u
    expected_arrivals(t) = Λ(start) + r0·u + k·u²/2
    time_of(n)           = start + 2m / (r0 + √(r0² + 2·k·m)),  m = n - Λ(start)

The last is the root of the quadratic in the form that loses no digits and holds for k = 0 too.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A straight piece of the curve over [start_s, end_s); rates in sessions/s."""

    start_s: float
    end_s: float
    start_rate: float
    end_rate: float

    def __post_init__(self) -> None:
        if not self.start_s < self.end_s:
            raise ValueError(f"a piece must end after it starts, found {self.start_s} to {self.end_s} s")
        if min(self.start_rate, self.end_rate) < 0:
            raise ValueError(f"a rate must be at least 0, found {self.start_rate} to {self.end_rate} /s")

    @property
    def slope(self) -> float:
        """Change of the rate, in sessions/s²."""
        return (self.end_rate - self.start_rate) / (self.end_s - self.start_s)

    @property
    def area(self) -> float:
        """Sessions expected over the whole piece."""
        return (self.start_rate + self.end_rate) / 2 * (self.end_s - self.start_s)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A piecewise-linear rate over [0, duration_s); 0 outside. Pieces touch and begin at 0."""

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        if not self.pieces or self.pieces[0].start_s != 0:
            raise ValueError("a curve needs pieces, the first beginning at 0 s")
        for before, after in pairwise(self.pieces):
            if before.end_s != after.start_s:
                raise ValueError(f"pieces must touch, found an end at {before.end_s} and a start at {after.start_s} s")

    @property
    def duration_s(self) -> float:
        """Where the last piece ends."""
        return self.pieces[-1].end_s

    @property
    def total(self) -> float:
        """Sessions expected over the whole curve."""
        return float(self._areas[-1])

    def rate(self, t_s: float) -> float:
        """Return the planned sessions/s at `t_s`; where two pieces touch, the later one's."""
        for piece in self.pieces:
            if piece.start_s <= t_s < piece.end_s:
                return piece.start_rate + piece.slope * (t_s - piece.start_s)
        return 0.0

    def expected_arrivals(self, t_s: float) -> float:
        """Λ: sessions expected in [0, t_s); constant before 0 and after the end."""
        arrivals = 0.0
        for piece in self.pieces:
            u = t_s - piece.start_s
            if t_s >= piece.end_s:
                arrivals += piece.area
            elif u > 0:
                # Never above the area by a last digit: what is expected by a moment has a time.
                arrivals += min(piece.start_rate * u + piece.slope * u * u / 2, piece.area)
        return arrivals

    def time_of(self, arrivals: float) -> float:
        """Λ⁻¹: the first moment by which `arrivals` sessions are expected; ValueError outside 0 to total."""
        return float(self.times_of(np.array([arrivals], dtype=np.float64))[0])

    def times_of(self, arrivals: Floats) -> Floats:
        """`time_of` for an array of any order."""
        if arrivals.size and not (arrivals.min() >= 0 and arrivals.max() <= self.total):
            raise ValueError(f"arrivals must be from 0 to the curve's total {self.total}")
        # A count on the border of two pieces belongs to the earlier one: the first moment, not after a flat zero.
        index = np.clip(np.searchsorted(self._areas, arrivals, side="left") - 1, 0, len(self.pieces) - 1)
        start_s, start_rate, slope, end_s = self._columns[:, index]
        m = arrivals - self._areas[index]
        root = np.sqrt(np.maximum(start_rate**2 + 2 * slope * m, 0.0))
        denominator = start_rate + root
        u = np.divide(2 * m, denominator, out=np.zeros_like(m), where=denominator > 0)
        times: Floats = np.minimum(start_s + u, end_s)
        return times

    @cached_property
    def _areas(self) -> Floats:
        """Λ at every border, from 0 to the total."""
        return np.array(list(accumulate((piece.area for piece in self.pieces), initial=0.0)))

    @cached_property
    def _columns(self) -> Floats:
        return np.array([(p.start_s, p.start_rate, p.slope, p.end_s) for p in self.pieces]).T
