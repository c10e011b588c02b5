"""W3C trace context: the header that carries a step's ids (https://www.w3.org/TR/trace-context/).

A step's trace, span and sampling are kept as the header's own value, and read from it where they are needed.
"""

from random import Random

TRACE_ID = (3, 35)
"""Where the trace begins and ends in the header."""

_TRACE_DIGITS, _BYTES = 32, 24
_ZEROS = "0" * 16  # no id may be zero: what holds so many in a row isn't used
_INSTEAD = f"{1:032x}{1:016x}"
_ODD = frozenset("13579bdf")


def new_traceparent(ids: Random, sampled_share: float) -> str:
    """Draw a trace; ids are random and never zero, so `ids` must not be the session's seeded source."""
    flags = "01" if sampled_share and ids.random() < sampled_share else "00"
    drawn = ids.randbytes(_BYTES).hex()
    if _ZEROS in drawn:
        drawn = _INSTEAD
    return f"00-{drawn[:_TRACE_DIGITS]}-{drawn[_TRACE_DIGITS:]}-{flags}"


def trace_id_of(traceparent: str) -> str:
    """Return the trace, 32 hex digits."""
    return traceparent[slice(*TRACE_ID)]


def span_id_of(traceparent: str) -> str:
    """Return the span, 16 hex digits."""
    return traceparent[36:52]


def is_sampled(traceparent: str) -> bool:
    """Whether the trace is kept: the lowest bit of the flags."""
    return traceparent[54] in _ODD
