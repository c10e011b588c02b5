"""The curve is pure maths: its area is exact, and its inverse undoes it."""

import itertools
import math

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.curve import Curve, Piece

RATES = st.one_of(st.just(0.0), st.floats(0.01, 1000))
SHAPES = st.lists(st.tuples(st.floats(0.1, 1000), RATES, RATES), min_size=1, max_size=6)


def curve_of(shape: list[tuple[float, float, float]]) -> Curve:
    pieces = []
    start_s = 0.0
    for lasts_s, start_rate, end_rate in shape:
        end_s = start_s + lasts_s
        pieces.append(Piece(start_s=start_s, end_s=end_s, start_rate=start_rate, end_rate=end_rate))
        start_s = end_s
    return Curve(pieces=tuple(pieces))


PEAK = curve_of([(10, 5, 5), (20, 5, 10), (30, 10, 10), (5, 0, 0)])


@pytest.mark.parametrize(
    ("t_s", "rate", "arrivals"),
    [(-1, 0, 0), (0, 5, 0), (10, 5, 50), (20, 7.5, 112.5), (30, 10, 200), (45, 10, 350), (60, 0, 500), (99, 0, 500)],
)
def test_a_ramp_between_two_levels_has_the_rate_and_area_of_a_trapezium(
    t_s: float, rate: float, arrivals: float
) -> None:
    assert PEAK.rate(t_s) == rate
    assert PEAK.expected_arrivals(t_s) == pytest.approx(arrivals, rel=1e-12)


def test_the_total_is_what_is_expected_by_the_end() -> None:
    assert PEAK.total == PEAK.expected_arrivals(PEAK.duration_s) == 500


@given(SHAPES, st.floats(0, 1))
def test_expected_arrivals_are_the_integral_of_the_rate(shape: list[tuple[float, float, float]], part: float) -> None:
    curve = curve_of(shape)
    end_s = part * curve.duration_s
    borders = [p.start_s for p in curve.pieces if p.start_s < end_s] + [end_s]
    rate = np.vectorize(curve.rate)
    summed = sum(scipy.integrate.fixed_quad(rate, a, b, n=3)[0] for a, b in itertools.pairwise(borders))
    assert curve.expected_arrivals(end_s) == pytest.approx(summed, rel=1e-9, abs=1e-9)


@given(SHAPES, st.floats(0, 1))
def test_the_time_of_an_arrival_is_when_so_many_are_expected(
    shape: list[tuple[float, float, float]], part: float
) -> None:
    curve = curve_of(shape)
    arrivals = part * curve.total
    assert curve.expected_arrivals(curve.time_of(arrivals)) == pytest.approx(arrivals, rel=1e-9, abs=1e-9)


@given(SHAPES, st.floats(0, 1))
def test_where_someone_arrives_the_inverse_gives_the_time_back(
    shape: list[tuple[float, float, float]], part: float
) -> None:
    curve = curve_of([(lasts_s, start + 0.01, end + 0.01) for lasts_s, start, end in shape])
    t_s = part * curve.duration_s
    assert curve.time_of(curve.expected_arrivals(t_s)) == pytest.approx(t_s, rel=1e-6, abs=1e-6)


def test_over_a_stretch_without_arrivals_the_first_moment_is_taken() -> None:
    curve = curve_of([(10, 1, 1), (10, 0, 0), (10, 1, 1)])
    assert [curve.time_of(n) for n in (0, 10, 11, 20)] == [0, 10, 21, 30]


@pytest.mark.parametrize("arrivals", [-0.1, 500.1, math.nan])
def test_an_arrival_the_curve_never_reaches_is_refused(arrivals: float) -> None:
    with pytest.raises(ValueError, match=r"^arrivals must be from 0 to the curve's total 500\.0$"):
        PEAK.time_of(arrivals)


def test_pieces_that_do_not_make_a_curve_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a piece must end after it starts, found 1 to 1 s$"):
        Piece(start_s=1, end_s=1, start_rate=0, end_rate=0)
    with pytest.raises(ValueError, match=r"^a rate must be at least 0, found -1 to 2 /s$"):
        Piece(start_s=0, end_s=1, start_rate=-1, end_rate=2)
    with pytest.raises(ValueError, match=r"^a curve needs pieces, the first beginning at 0 s$"):
        Curve(pieces=())
    first = Piece(start_s=0, end_s=1, start_rate=1, end_rate=1)
    with pytest.raises(ValueError, match=r"^pieces must touch, found an end at 1 and a start at 0 s$"):
        Curve(pieces=(first, first))
