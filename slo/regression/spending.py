"""How much of its error rate a comparison may spend at each look, so that looking often costs nothing in honesty.

**Spending.** Who looks five times at 5 % each is wrong in about 14 of 100 cases. Lan and DeMets (Biometrika 70, 1983)
spend the rate over the looks: by the look at n of N pairs, alpha * (n / N)^1.5 in all. Little is spent early, where
four pairs say little, and most is left for the end.

**Nominal levels.** What the k-th look may use by itself follows from the walk of the sum of differences, in units of
their standard deviation: of the paths that crossed no bound before, as many may cross the k-th as its spending allows.
The walk's density is taken from look to look by numerical integration (Armitage, McPherson and Rowe, JRSS A 132, 1969).
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from slo.special_functions import special

POWER = 1.5
_NODES = 240
_FAR = 8.5  # standard deviations beyond which nothing is left to add
Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=256)
def nominal_levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Return the one-sided level of each look, which together spend `alpha`; `looks` are pairs, ascending."""
    unit, weights = (np.asarray(one, dtype=float) for one in np.polynomial.legendre.leggauss(_NODES))
    at, mass = np.zeros(1), np.ones(1)  # the walk's places that didn't cross, with the chance of each
    levels: list[float] = []
    spent, before = 0.0, 0
    for look in looks:
        step = math.sqrt(look - before)
        now = alpha * (look / looks[-1]) ** POWER
        bound = _bound(at, mass, step, now - spent, look)
        levels.append(float(special().ndtr(-bound / math.sqrt(look))))
        low = -_FAR * math.sqrt(look)
        places = low + (unit + 1) * (bound - low) / 2
        density = np.exp(-(((places[:, None] - at[None, :]) / step) ** 2) / 2) @ mass / (step * math.sqrt(2 * math.pi))
        at, mass = places, density * weights * (bound - low) / 2
        spent, before = now, look
    return tuple(levels)


def _bound(at: Floats, mass: Floats, step: float, spend: float, look: int) -> float:
    """Return the place which the walk's next step passes with a chance of `spend`."""
    from scipy.optimize import brentq  # noqa: PLC0415 - half a second, which only a comparison needs

    ndtr, widest = special().ndtr, _FAR * math.sqrt(look)
    return float(brentq(lambda place: float(mass @ ndtr((at - place) / step)) - spend, -widest, widest, xtol=1e-10))


@lru_cache(maxsize=65_536)
def t_quantile(level: float, degrees_of_freedom: int) -> float:
    """Return what Student's t exceeds with a chance of `level`."""
    return float(special().stdtrit(degrees_of_freedom, 1 - level))


@lru_cache(maxsize=4096)
def normal_quantile(level: float) -> float:
    """Return what a standard normal variable exceeds with a chance of `level`."""
    return -float(special().ndtri(level))


def above(place: float) -> float:
    """Return the chance that a standard normal variable is over `place`."""
    return 0.5 * math.erfc(place / math.sqrt(2))
