"""Names from data as label values: the first so many have a series of their own, what comes later is `other`.

The first come, not the most frequent: a counter whose members change would fall, and a fall is a restart to Prometheus.
"""

OTHER = "other"
_LONGEST = 128
_MOST_CUT = 10_000


class Labels:
    """The values of one label, `most` of them told apart."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: set[str] = set()
        self._cut: set[str] = set()

    @property
    def cut(self) -> int:
        """How many values are counted together."""
        return len(self._cut)

    def of(self, value: str) -> str:
        """Return the label value that stands for `value`."""
        if value in self._kept:
            return value
        if len(self._kept) < self._most and 0 < len(value) <= _LONGEST and value != OTHER:
            self._kept.add(value)
            return value
        if len(self._cut) < _MOST_CUT:
            self._cut.add(value)
        return OTHER
