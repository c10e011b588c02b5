"""Every step carries a valid W3C traceparent, sampled or not."""

import random
import re

from loadtests.trace_context import TraceContext, new_trace


class Zeros(random.Random):
    """Draws nothing but zero."""

    def getrandbits(self, k: int, /) -> int:
        return 0 * k

    def random(self) -> float:
        return 0.0


def test_the_header_is_version_trace_span_and_flags() -> None:
    trace = TraceContext(trace_id="a" * 32, span_id="b" * 16, sampled=True)
    assert trace.traceparent == f"00-{'a' * 32}-{'b' * 16}-01"
    assert TraceContext(trace_id="a" * 32, span_id="b" * 16, sampled=False).traceparent.endswith("-00")


def test_ids_are_lower_case_hex_of_full_length() -> None:
    ids = random.Random(1)  # noqa: S311 - the same luck each time
    for _ in range(200):
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", new_trace(ids, 1.0).traceparent)


def test_ids_are_never_zero() -> None:
    trace = new_trace(Zeros(), 1.0)
    assert (int(trace.trace_id, 16), int(trace.span_id, 16)) == (1, 1)
    assert (len(trace.trace_id), len(trace.span_id)) == (32, 16)


def test_a_share_of_one_samples_every_trace_and_zero_none() -> None:
    ids = random.Random(2)  # noqa: S311 - the same
    assert {new_trace(ids, 1.0).sampled for _ in range(300)} == {True}
    assert {new_trace(ids, 0.0).sampled for _ in range(300)} == {False}
    assert not new_trace(Zeros(), 0.0).sampled


def test_no_two_traces_share_an_id() -> None:
    ids = random.Random(3)  # noqa: S311 - the same
    drawn = [new_trace(ids, 0.5) for _ in range(1000)]
    assert len({trace.trace_id for trace in drawn}) == len({trace.span_id for trace in drawn}) == 1000
