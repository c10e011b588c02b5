"""A Prometheus that answers every query with what it was told to, and counts what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from scripts.local_stack.prometheus import Prometheus, Series
from slo.outcomes import EnvironmentLacks


@dataclass(kw_only=True)
class FakePrometheus:
    """Has one series for every query, labelled as `labels`; refuses a query that holds `refused`.

    A `strange` one answers in a form that Prometheus doesn't have.
    """

    labels: Mapping[str, str]
    refused: str = "\x00"
    ready: bool = True
    many: int = 1
    strange: bool = False
    url: str = "http://127.0.0.1:1"
    asked: list[tuple[str, str, int, int, float]] = field(default_factory=list)

    def is_ready(self) -> bool:
        return self.ready

    def scrape_interval_s(self) -> int:
        return 15

    def range(self, query: str, start: int, end: int, step_s: float, _within_s: float) -> tuple[Series, ...]:
        self.asked.append(("range", query, start, end, step_s))
        return self._series(query, (start, end))

    def instant(self, query: str, at: int, _within_s: float) -> tuple[Series, ...]:
        self.asked.append(("instant", query, at, at, 0))
        return self._series(query, (at,))

    def _series(self, query: str, at: tuple[int, ...]) -> tuple[Series, ...]:
        if self.strange:
            raise KeyError("result")
        if self.refused in query:
            raise EnvironmentLacks("Prometheus refuses it: parse error")
        return tuple(
            Series(labels={**self.labels, "n": str(number)}, at=at, value=tuple(float(number) for _ in at))
            for number in range(self.many)
        )

    @property
    def prometheus(self) -> Prometheus:
        """Return this as the pages take it."""
        return cast("Prometheus", self)
