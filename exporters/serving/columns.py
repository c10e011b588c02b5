"""A metric family as columns: one of label values for each label, and an array of values.

To prometheus-client it is a family like any other, whose samples are made when somebody asks for them. The renderer
doesn't ask: it reads the columns, and what hasn't changed since the last scrape isn't rendered again.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from exporters.names.family import Family


class ColumnFamily(Metric):
    """A gauge or counter of many series; its arrays may not be changed afterwards.

    `columns` holds for each of `labels` the label's value in every series, `values` the value of every series.
    Whoever keeps the columns from one scrape to the next and passes the same ones saves their comparison.
    """

    def __init__(self, family: Family, columns: Sequence[Sequence[str]], values: ArrayLike) -> None:
        """Raise ValueError when the family is a histogram, or columns and values don't fit each other."""
        if family.kind == "histogram":
            raise ValueError(f"{family.name}: a histogram's buckets are not one column")
        self.values: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
        lengths = [len(column) for column in columns]
        if len(columns) != len(family.labels) or any(length != len(self.values) for length in lengths):
            expected = f"{len(family.labels)} columns of {len(self.values)} label values"
            raise ValueError(f"{family.name}: expected {expected}, found {lengths}")
        self.family = family
        self.labels, self.columns = family.labels, tuple(columns)
        self.name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
        self.documentation, self.type, self.unit = family.help, family.kind, ""

    @property
    def sample_name(self) -> str:
        """What each of its samples is called."""
        return f"{self.name}_total" if self.type == "counter" else self.name

    @property
    def samples(self) -> list[Sample]:  # type: ignore[override] # prometheus-client's is filled, this one is made
        """The samples as prometheus-client has them, made anew each time."""
        names, name = self.labels, self.sample_name
        rows: Any = zip(*self.columns, strict=True) if self.columns else [()] * len(self.values)
        return [
            Sample(name, dict(zip(names, row, strict=True)), value)
            for row, value in zip(rows, self.values.tolist(), strict=True)
        ]

    def first(self, most: int) -> "ColumnFamily":
        """Return the `most` series whose labels come first in order, in the order they have here."""
        rows = list(zip(*self.columns, strict=True)) if self.columns else [()] * len(self.values)
        kept = sorted(sorted(range(len(rows)), key=rows.__getitem__)[:most])
        columns = [[column[index] for index in kept] for column in self.columns]
        return ColumnFamily(self.family, columns, self.values[kept])
