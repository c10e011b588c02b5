"""Every step carries a valid W3C traceparent, sampled or not."""

import random
import re

from loadtests.trace_context import is_sampled, new_traceparent, span_id_of, trace_id_of


class Zeros(random.Random):
    """Draws nothing but zero."""

    def getrandbits(self, k: int, /) -> int:
        return 0 * k

    def random(self) -> float:
        return 0.0


def test_the_header_is_version_trace_span_and_flags() -> None:
    told = f"00-{'a' * 32}-{'b' * 16}-01"
    assert (trace_id_of(told), span_id_of(told), is_sampled(told)) == ("a" * 32, "b" * 16, True)


def test_the_lowest_bit_of_the_flags_alone_says_whether_a_trace_is_sampled() -> None:
    head = f"00-{'a' * 32}-{'b' * 16}-"
    assert [is_sampled(head + flags) for flags in ("00", "01", "02", "03", "ff")] == [False, True, False, True, True]


def test_ids_are_lower_case_hex_of_full_length() -> None:
    ids = random.Random(1)  # noqa: S311 - the same luck each time
    for _ in range(200):
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", new_traceparent(ids, 1.0))


def test_ids_are_never_zero() -> None:
    assert new_traceparent(Zeros(), 1.0) == f"00-{'1':0>32}-{'1':0>16}-01"


def test_a_share_of_one_samples_every_trace_and_zero_none() -> None:
    ids = random.Random(2)  # noqa: S311 - the same
    assert {is_sampled(new_traceparent(ids, 1.0)) for _ in range(300)} == {True}
    assert {is_sampled(new_traceparent(ids, 0.0)) for _ in range(300)} == {False}
    assert not is_sampled(new_traceparent(Zeros(), 0.0))


def test_a_share_in_between_samples_that_share() -> None:
    ids = random.Random(4)  # noqa: S311 - the same
    assert 200 < sum(is_sampled(new_traceparent(ids, 0.25)) for _ in range(1000)) < 300


def test_no_two_traces_share_an_id() -> None:
    ids = random.Random(3)  # noqa: S311 - the same
    drawn = [new_traceparent(ids, 0.5) for _ in range(1000)]
    assert len(set(map(trace_id_of, drawn))) == len(set(map(span_id_of, drawn))) == 1000
