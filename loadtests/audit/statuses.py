"""The statuses of rows in columns, and the rows of which a status is a word that means nothing.

Pure: no I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loadtests.audit.carts import Bools
from loadtests.audit.status_words import UNKNOWN, Words

Kind = Literal["orders", "payments"]
STRANGE: Final = -1
"""The place of a status that is a word which means nothing."""
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Strange:
    """The rows whose status is a word that means nothing: how many there are of each word, and the first one's id."""

    words: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def __or__(self, other: "Strange") -> "Strange":
        found = dict(self.words)
        for word, (count, first) in other.words.items():
            before = found.get(word)
            found[word] = (count, first) if before is None else (before[0] + count, before[1])
        return Strange(found)

    def told(self, kind: Kind) -> str | None:
        """Return what the rows are and what to do, None where there are none."""
        if not self.words:
            return None
        shown = list(self.words.items())[:_MOST_NAMED]
        named = ", ".join(f"{word:.60} ({count}, first {first})" for word, (count, first) in shown)
        named += f" and {len(self.words) - len(shown)} other words" if len(self.words) > len(shown) else ""
        count = sum(count for count, _ in self.words.values())
        return f"{count} {kind} have a status that means nothing here: {named}; name its meaning in `status`"


def numbered(column: pa.Array, kind: Kind, names: tuple[str, ...]) -> NDArray[np.int8]:
    """Return a column of statuses as places in `names`, STRANGE for a word that means nothing."""
    encoded = column.dictionary_encode()
    ours = [Words(kind, {}).ours(word) for word in encoded.dictionary.to_pylist()]
    places = [STRANGE if word == UNKNOWN else names.index(word) for word in ours]
    found: NDArray[np.int8] = np.array(places, np.int8)[encoded.indices.to_numpy(zero_copy_only=False)]
    return found


def strange_rows(column: pa.Array, ids: pa.Array, which: Bools) -> Strange:
    """Return the rows `which` have a strange status, by their words."""
    found: dict[str, tuple[int, str]] = {}
    for number in np.flatnonzero(which).tolist():
        word = str(column[number].as_py())
        count, first = found.get(word, (0, str(ids[number].as_py())))
        found[word] = count + 1, first
    return Strange(found)
