"""What each source gave, checked: columns of SKUs and numbers, with what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Units available by SKU, each SKU once; of `unclear` SKUs a row was left out, so that nothing is said of them.

    `excluded` counts rows that were left out, by reason, `example` names one.
    Times are Unix seconds, None where they aren't known.
    """

    skus: tuple[str, ...]
    available: Units = field(repr=False)
    unclear: frozenset[str] = frozenset()
    excluded: Mapping[str, int] = field(default_factory=dict)
    example: str = ""
    changed_at_s: float | None = None
    oldest_count_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopNumbers:
    """What the web shop believes each location has, by the location's name in the configuration."""

    locations: Mapping[str, Count]
    excluded: Mapping[str, int] = field(default_factory=dict)
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """Units sold by SKU in a window of `window_s`, each SKU once; `last_sold_s` is NaN for a SKU that never was."""

    skus: tuple[str, ...]
    units: Units = field(repr=False)
    window_s: float
    last_sold_s: NDArray[np.float64] | None = field(default=None, repr=False)
    unclear: frozenset[str] = frozenset()
    excluded: Mapping[str, int] = field(default_factory=dict)
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How many times last season's orders the coming season is expected to bring."""

    ratio: float


Value = Count | ShopNumbers | Sales | Growth
