"""A worker's clock against its master's, by round trips on a wire whose delays are made up."""

import pytest

from loadtests.coordination.clock_offset import ClockOffsets, pong_to

MS = 1_000_000
MINUTE = 60_000 * MS


class Wire:
    """A worker whose clock is `ahead` of its master's, and what its pings take."""

    def __init__(self, ahead_ms: float) -> None:
        self.at, self.ahead = 1_700_000_000_000 * MS, round(ahead_ms * MS)
        self.offsets = ClockOffsets(lambda: self.at + self.ahead)

    def trip(self, there_ms: float, back_ms: float) -> None:
        """Let a ping go there and back."""
        ping = self.offsets.ping()
        self.at += round(there_ms * MS)
        pong = pong_to(ping, self.at)
        self.at += round(back_ms * MS)
        self.offsets.pong(pong)

    def told(self) -> tuple[float, float, float]:
        """Return offset and uncertainty in ms, and how many pings."""
        told = self.offsets.to_json()
        assert told is not None
        return round(told["offset_s"] * 1e3, 6), round(told["uncertainty_s"] * 1e3, 6), told["pings"]


def test_before_the_first_answer_nothing_is_known() -> None:
    wire = Wire(0)
    wire.offsets.ping()
    assert wire.offsets.to_json() is None


@pytest.mark.parametrize("ahead_ms", [0, 250, -1500])
def test_two_ways_that_are_even_show_the_offset_itself(ahead_ms: float) -> None:
    wire = Wire(ahead_ms)
    wire.trip(2, 2)
    assert wire.told() == (ahead_ms, 2, 1)


@pytest.mark.parametrize(("there_ms", "back_ms"), [(10, 0), (0, 10), (7, 3)])
def test_however_uneven_the_ways_are_the_truth_lies_within_the_uncertainty(there_ms: float, back_ms: float) -> None:
    wire = Wire(40)
    wire.trip(there_ms, back_ms)
    offset, uncertainty, _ = wire.told()
    assert uncertainty == 5
    assert abs(offset - 40) <= uncertainty


def test_the_shortest_round_trip_counts() -> None:
    wire = Wire(40)
    for there_ms, back_ms in ((300, 0), (1, 1), (0, 80)):
        wire.trip(there_ms, back_ms)
    assert wire.told() == (40, 1, 3)


def test_of_a_clock_that_drifts_the_minute_that_shows_the_most_counts() -> None:
    wire = Wire(0)
    for ahead_ms in (0, 30, 90, 20):
        wire.ahead = ahead_ms * MS
        wire.trip(5, 5)
        wire.trip(1, 1)
        wire.at += MINUTE
    assert wire.told() == (90, 1, 8)


def test_a_minute_in_which_the_line_was_slow_does_not_outweigh_one_that_shows_more() -> None:
    wire = Wire(30)
    wire.trip(1, 1)
    wire.at += MINUTE
    wire.trip(400, 0)
    assert wire.told() == (30, 1, 2)


def test_of_pings_without_an_answer_only_the_last_hundred_are_waited_for() -> None:
    wire, pings = Wire(0), list[dict[str, int]]()
    for _ in range(101):
        pings.append(wire.offsets.ping())
        wire.at += MS
    wire.offsets.pong(pong_to(pings[0], wire.at))
    assert wire.offsets.to_json() is None
    wire.offsets.pong(pong_to(pings[1], wire.at))
    assert wire.told()[2] == 1


def test_an_answer_to_no_ping_of_ours_counts_for_nothing_and_one_that_is_doubled_once() -> None:
    wire = Wire(0)
    wire.offsets.pong({"sent": 5, "at": 5})
    assert wire.offsets.to_json() is None
    ping = wire.offsets.ping()
    for _ in range(2):
        wire.offsets.pong(pong_to(ping, wire.at))
    assert wire.told()[2] == 1
