"""Where the web shop's number of units and a location's own differ, and since when."""

import threading
from dataclasses import dataclass, field

import numpy as np

from exporters.subjects.inventory.levels import Column, Index, Mask
from exporters.subjects.inventory.values import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The shop's units less the location's, by place in the index; 0 where either said something that can't be true."""

    units: Units = field(repr=False)
    absent_from_shop: int
    absent_from_location: int

    @property
    def differing(self) -> Mask:
        """Which SKUs differ."""
        mask: Mask = self.units != 0
        return mask


def drift(shop: Column, own: Column) -> Drift:
    """Compare two columns of one location: a SKU that one of them doesn't list has no units there."""
    clear = shop.clear & own.clear
    units = np.where(clear, shop.units - own.units, 0)
    differing = units != 0
    return Drift(
        units=units,
        absent_from_shop=int((differing & ~shop.listed).sum()),
        absent_from_location=int((differing & ~own.listed).sum()),
    )


class Standing:
    """Since when each SKU has differed at every read, by location; known from this process's start on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[str, dict[str, float]] = {}

    def since_s(self, location: str, drift: Drift, index: Index, now_s: float) -> dict[str, float]:
        """Note which SKUs differ now, and return since when each of them has, in Unix seconds."""
        differing = [index.skus[place] for place in np.flatnonzero(drift.differing).tolist()]
        with self._lock:
            before = self._since.get(location, {})
            self._since[location] = found = {sku: before.get(sku, now_s) for sku in differing}
        return dict(found)
