"""The noise of blocks' ln p95: what both blocks of a pair share, what each has by itself, and what lasts.

Deviation and correlation are those of runs of 60 s, which is how a staging's noise is usually known. A shorter block
has more noise of its own: its variance grows as the judged seconds fall (55 of 60, 25 of 30). What adjacent blocks
share (a neighbour on the machine, the hour) is the same in both.
"""

from dataclasses import dataclass

import numpy as np

from scripts.benches.comparing.playing import Floats

_RUN_JUDGED_S = 55.0
BETWEEN_OBJECTIVES = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A staging: standard deviation and correlation of adjacent runs of 60 s.

    `own_memory` and `shared_memory` are AR(1) coefficients from pair to pair; `lasting` the standard deviation of the
    difference of two deployments of one build; `tails` the distribution: normal, Student's t with 3, or with `spikes`
    of 4 deviations in 5 % of blocks.
    """

    deviation: float
    correlation: float
    own_memory: float = 0.0
    shared_memory: float = 0.0
    lasting: float = 0.0
    tails: str = "normal"

    def draw(
        self, rng: np.random.Generator, jobs: int, pairs: int, judged_s: float, objectives: int = 1
    ) -> tuple[Floats, Floats]:
        """Return ln p95 of A's and of B's blocks, without a change: jobs × pairs × objectives."""
        shape = (jobs, pairs, objectives)
        own = self.deviation * np.sqrt((1 - self.correlation) * _RUN_JUDGED_S / judged_s)
        shared = self.deviation * np.sqrt(self.correlation) * self._walk(rng, shape, self.shared_memory)
        a = shared + own * self._walk(rng, shape, self.own_memory)
        b = shared + own * self._walk(rng, shape, self.own_memory)
        return a, b + self.lasting * rng.normal(size=(jobs, 1, 1))

    def _walk(self, rng: np.random.Generator, shape: tuple[int, int, int], memory: float) -> Floats:
        steps = self._white(rng, shape)
        if not memory:
            return steps
        out = steps.copy()
        for number in range(1, shape[1]):
            out[:, number] = memory * out[:, number - 1] + np.sqrt(1 - memory**2) * steps[:, number]
        return out

    def _white(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
        common = self._unit(rng, (*shape[:2], 1))
        if shape[2] == 1:
            return common
        own = self._unit(rng, shape)
        return np.asarray(np.sqrt(BETWEEN_OBJECTIVES) * common + np.sqrt(1 - BETWEEN_OBJECTIVES) * own)

    def _unit(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
        if self.tails == "t3":
            return np.asarray(rng.standard_t(3, shape) / np.sqrt(3))
        if self.tails == "spikes":
            raised = rng.normal(size=shape) + 4 * (rng.random(shape) < 0.05)  # noqa: PLR2004 - as the docstring says
            return np.asarray((raised - 0.2) / np.sqrt(1 + 16 * 0.05 * 0.95))
        return rng.normal(size=shape)


GRID = tuple(Noise(deviation=sd, correlation=rho) for sd in (0.03, 0.045, 0.06, 0.08) for rho in (0.0, 0.3, 0.5, 0.7))
