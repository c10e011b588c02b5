"""Think time: the pause between a reply and the next click, drawn from the plan's distribution."""

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator

from loadtests.demand.splitmix import SplitMix64
from slo.documents import Document

Positive = Annotated[float, Field(gt=0)]
_cdf = NormalDist().cdf
_Quantile = Annotated[float, Field(ge=0, le=3600)]


class _Distribution(Document):
    model_config = ConfigDict(strict=True)


class LogNormal(_Distribution):
    """Log-normal, cut at `max_s`: what measured think times mostly look like."""

    median_s: Positive
    sigma: float = Field(ge=0, le=3)
    max_s: Positive

    @field_validator("max_s")
    @classmethod
    def _not_below_median(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("median_s", 0):
            raise ValueError(f"must be at least median_s = {info.data['median_s']:g}")
        return value

    @property
    def mean_s(self) -> float:
        """The mean, in seconds: of what is below the cut, and the cut for the rest."""
        if not self.sigma:
            return self.median_s
        cut = math.log(self.max_s / self.median_s) / self.sigma
        below = self.median_s * math.exp(self.sigma**2 / 2) * _cdf(cut - self.sigma)
        return below + self.max_s * (1 - _cdf(cut))

    def draw(self, rng: SplitMix64) -> float:
        """Return a pause in seconds."""
        return min(self.max_s, self.median_s * rng.lognormvariate(0, self.sigma))


class Empirical(_Distribution):
    """As measured: quantiles at equal steps of probability, the shortest pause first and the longest last.

    `[0.5, 2, 9]` is a minimum of 0.5 s, a median of 2 s and a maximum of 9 s; between two of them pauses are spread
    evenly.
    """

    quantiles_s: Annotated[tuple[_Quantile, ...], Field(strict=False, min_length=2, max_length=1001)]

    @field_validator("quantiles_s")
    @classmethod
    def _grows(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if falls := next(((a, b) for a, b in pairwise(value) if b < a), None):
            raise ValueError(f"must not fall, and {falls[1]:g} comes after {falls[0]:g}")
        return value

    @property
    def median_s(self) -> float:
        """The median, in seconds."""
        return self._at(0.5)

    @property
    def mean_s(self) -> float:
        """The mean, in seconds."""
        between = [(low + high) / 2 for low, high in pairwise(self.quantiles_s)]
        return math.fsum(between) / len(between)

    @property
    def max_s(self) -> float:
        """The longest pause, in seconds."""
        return self.quantiles_s[-1]

    def draw(self, rng: SplitMix64) -> float:
        """Return a pause in seconds."""
        return self._at(rng.random())

    def _at(self, probability: float) -> float:
        place = probability * (len(self.quantiles_s) - 1)
        below = min(math.floor(place), len(self.quantiles_s) - 2)
        low, high = self.quantiles_s[below : below + 2]
        return low + (place - below) * (high - low)


def _kind(value: object) -> str:
    measured = "quantiles_s" in value if isinstance(value, dict) else isinstance(value, Empirical)
    return "empirical" if measured else "log-normal"


ThinkTime = Annotated[
    Annotated[LogNormal, Tag("log-normal")] | Annotated[Empirical, Tag("empirical")], Discriminator(_kind)
]
