"""W3C trace context: the ids of a step and the header that carries them (https://www.w3.org/TR/trace-context/)."""

from dataclasses import dataclass
from random import Random

_SAMPLED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """The trace of one step, and its client span."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"


def new_trace(ids: Random, sampled_share: float) -> TraceContext:
    """Draw a trace; ids are random and never zero, so `ids` must not be the session's seeded source."""
    trace = ids.getrandbits(128) or 1
    span = ids.getrandbits(64) or 1
    return TraceContext(trace_id=f"{trace:032x}", span_id=f"{span:016x}", sampled=ids.random() < sampled_share)
