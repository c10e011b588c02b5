"""Every step carries a valid W3C traceparent, sampled or not."""

import random
import re
from itertools import islice

import pytest

from loadtests.results.trace_context import is_sampled, sampled_places, span_id_of, trace_id_of, traceparents


class Zeros(random.Random):
    """Draws nothing but zero."""

    def getrandbits(self, k: int, /) -> int:
        return 0 * k

    def random(self) -> float:
        return 0.0


def drawn(seed: int, sampled_share: float, count: int) -> list[str]:
    ids = random.Random(seed)  # noqa: S311 - the same luck each time
    return list(islice(traceparents(ids, sampled_share), count))


def test_the_header_is_version_trace_span_and_flags() -> None:
    told = f"00-{'a' * 32}-{'b' * 16}-01"
    assert (trace_id_of(told), span_id_of(told), is_sampled(told)) == ("a" * 32, "b" * 16, True)


def test_the_lowest_bit_of_the_flags_alone_says_whether_a_trace_is_sampled() -> None:
    head = f"00-{'a' * 32}-{'b' * 16}-"
    assert [is_sampled(head + flags) for flags in ("00", "01", "02", "03", "ff")] == [False, True, False, True, True]


def test_ids_are_lower_case_hex_of_full_length() -> None:
    for told in drawn(1, 1.0, 200):
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", told)


def test_ids_are_never_zero() -> None:
    for told in islice(traceparents(Zeros(), 1.0), 100):
        assert int(trace_id_of(told), 16)
        assert int(span_id_of(told), 16)


def test_a_share_of_one_samples_every_trace_and_zero_none() -> None:
    assert set(map(is_sampled, drawn(2, 1.0, 300))) == {True}
    assert set(map(is_sampled, drawn(2, 0.0, 300))) == {False}
    assert not is_sampled(next(traceparents(Zeros(), 0.0)))


def test_a_share_in_between_samples_that_share() -> None:
    assert 200 < sum(map(is_sampled, drawn(4, 0.25, 1000))) < 300


def test_no_two_traces_share_an_id() -> None:
    told = drawn(3, 0.5, 1000)
    assert len(set(map(trace_id_of, told))) == len(set(map(span_id_of, told))) == 1000


@pytest.mark.parametrize("more", [[], [f"00-{'1' * 32}-{'2' * 16}-01-later"]])
def test_which_of_many_are_sampled_is_what_each_of_them_says(more: list[str]) -> None:
    many = [*drawn(3, 0.3, 200), f"00-{'1' * 32}-{'2' * 16}-0b", *more]
    assert sampled_places(many).tolist() == [place for place, one in enumerate(many) if is_sampled(one)]
