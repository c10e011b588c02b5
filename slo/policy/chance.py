"""How often a shop that is as good as this run on average would breach a criterion by chance alone.

A limit on any of some hundred windows is passed by luck far more often than one on a single window. The run itself
says how much its counts vary: their mean, and the variance of windows apart from each other over that of independent
requests. Runs of the same length and load are drawn with both, and those with a breach are counted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RUNS = 400
_DRAWS = 4_000_000
_BINS = 10
_SEED = 20_261_130
_LEAST_BLOCKS = 5
_RARE = 0.01
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The chance of a breach in one run at this run's own level.

    `level` is the share of requests, or of the plan: that of runs whose rest outside of breaches is like this run's.
    `dispersion` is the variance of its windows over that of independent requests, `quiet_limit` the limit that one run
    in a hundred would breach.
    """

    ratio: float
    runs: int
    level: float
    dispersion: float
    quiet_limit: float


def chance_of_breach(
    *, part: Floats, whole: Floats, apart: Flags, window_s: int, limit: float, under: bool
) -> Chance | None:
    """Return the chance; None where too little was counted to tell.

    `part` of `whole` were counted in each second, of which those set `apart` are in a breach: unless it holds most of
    the run, it is no part of its level. What that takes out of a run by chance is given back: an outage isn't.
    """
    kept = ~apart if (~apart).sum() * 2 >= len(part) else np.ones(len(part), dtype=np.bool_)
    if whole[kept].sum() <= 0:
        return None
    level = float(part[kept].sum() / whole[kept].sum())
    dispersion = _dispersion(part, whole, kept, window_s, level, counts=under)
    step = _step(window_s)
    bins = len(part) // step
    means = whole[: bins * step].reshape(bins, step).sum(axis=1)
    drawing = _Drawing(means=means, dispersion=dispersion, width=window_s // step, limit=limit, under=under)
    level = drawing.level_that_leaves(level)
    worst = drawing.worst_windows(level)
    beyond = worst < limit if under else worst > limit
    return Chance(
        ratio=float(beyond.mean()),
        runs=len(worst),
        level=level,
        dispersion=dispersion,
        quiet_limit=float(np.quantile(worst, _RARE if under else 1 - _RARE)),
    )


def _step(window_s: int) -> int:
    """Return the longest step of at most a tenth of the window that divides it: windows begin at its multiples."""
    return next(step for step in range(max(1, window_s // _BINS), 0, -1) if window_s % step == 0)


def _dispersion(part: Floats, whole: Floats, kept: Flags, window_s: int, level: float, *, counts: bool) -> float:
    """Return the variance of blocks as long as a window over what independent requests would have."""
    blocks = len(part) // window_s
    if blocks < _LEAST_BLOCKS or level <= 0 or (level >= 1 and not counts):
        return 1.0
    shape = (blocks, window_s)
    used = kept[: blocks * window_s].reshape(shape).all(axis=1)
    got, had = (one[: blocks * window_s].reshape(shape).sum(axis=1)[used] for one in (part, whole))
    expected = had * level * (1.0 if counts else 1 - level)
    got, had, expected = got[expected > 0], had[expected > 0], expected[expected > 0]
    if len(got) < _LEAST_BLOCKS:
        return 1.0
    return float(((got - had * level) ** 2 / expected).sum() / (len(got) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """What runs are drawn by, whose windows begin at multiples of a bin; `width` is a window's bins."""

    means: Floats
    dispersion: float
    width: int
    limit: float
    under: bool

    def worst_windows(self, level: float) -> Floats:
        """Return each drawn run's worst window: the largest share of bad ones, or the least of the plan."""
        random = np.random.default_rng(_SEED)
        runs = int(min(RUNS, max(50, _DRAWS // max(1, len(self.means)))))
        worst = []
        for _ in range(0, runs, 50):
            shares = self._shares(_drawn(random, self.means, level, self.dispersion, counts=self.under))
            worst.append(shares.min(axis=1) if self.under else shares.max(axis=1))
        return np.concatenate(worst)[:runs]

    def level_that_leaves(self, level: float) -> float:
        """Return the level of runs of which that level is left once what they breach by chance is taken out.

        The run's own level is such a rest, so it is too good where chance breaches often.
        """
        found = level
        for _ in range(_ROUNDS):
            drawn = _drawn(np.random.default_rng(_SEED), self.means, found, self.dispersion, counts=self.under)
            kept = ~_bins_within(self._beyond(drawn), self.width)
            kept |= kept.sum(axis=1, keepdims=True) * 2 < kept.shape[1]
            left, of_all = (drawn * kept).sum() / (self.means * kept).sum(), drawn.sum() / (50 * self.means.sum())
            found = level * float(of_all / left) if left > 0 else level
        return found if self.under else min(found, 1.0)

    def _beyond(self, drawn: Floats) -> Flags:
        shares = self._shares(drawn)
        return shares < self.limit if self.under else shares > self.limit

    def _shares(self, drawn: Floats) -> Floats:
        held = _sliding(self.means[None, :], self.width)[0]
        shares = np.divide(_sliding(drawn, self.width), held, out=np.zeros((len(drawn), len(held))), where=held > 0)
        return np.where(held > 0, shares, np.inf if self.under else 0.0)


def _bins_within(beyond: Flags, width: int) -> Flags:
    """Return of each run the bins that lie in any window that is beyond."""
    steps = np.zeros((len(beyond), beyond.shape[1] + width), dtype=np.int64)
    steps[:, :-width] += beyond
    steps[:, width:] -= beyond
    return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)


def _drawn(random: np.random.Generator, means: Floats, level: float, dispersion: float, *, counts: bool) -> Floats:
    """Return 50 runs' counts: independent requests where their variance says so, else as uneven as it says."""
    shape = (50, len(means))
    mean = np.broadcast_to(means * level, shape)
    if dispersion > 1.02:  # noqa: PLR2004 - closer to 1 the negative binomial has no parameters
        uneven = dispersion if counts else 1 + (dispersion - 1) * (1 - level)
        drawn = random.poisson(random.gamma(np.maximum(mean, 1e-12) / (uneven - 1), uneven - 1)).astype(np.float64)
        return drawn if counts else np.minimum(drawn, means)
    if counts and dispersion < 0.5:  # noqa: PLR2004 - a regular schedule; less is within what few windows tell
        return np.maximum(0.0, random.normal(mean, np.sqrt(mean * dispersion)))
    if counts:
        return random.poisson(mean).astype(np.float64)
    return random.binomial(np.broadcast_to(np.rint(means).astype(np.int64), shape), min(1.0, level)).astype(np.float64)


def _sliding(counts: Floats, width: int) -> Floats:
    total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    return np.asarray(total[:, width:] - total[:, :-width])
