"""Levels of looks: what Lan and DeMets spend, against walks that were simulated."""

import numpy as np
import pytest
from scipy.special import ndtri

from slo.regression.spending import nominal_levels

LOOKS = (4, 6, 8, 10, 12)


@pytest.mark.parametrize(
    ("alpha", "table"),
    [
        (0.10, (0.01923, 0.02607, 0.03775, 0.05190, 0.06837)),
        (0.05, (0.00957, 0.01239, 0.01754, 0.02381, 0.03079)),
        (0.025, (0.00480, 0.00591, 0.00811, 0.01100, 0.01414)),
        (0.0125, (0.00243, 0.00284, 0.00391, 0.00513, 0.00654)),
    ],
)
def test_the_levels_are_those_of_a_million_and_a_half_walks(alpha: float, table: tuple[float, ...]) -> None:
    assert nominal_levels(LOOKS, alpha) == pytest.approx(table, rel=0.03)


def test_one_look_has_all_of_alpha() -> None:
    assert nominal_levels((5,), 0.05) == pytest.approx((0.05,), abs=1e-9)


def test_all_looks_together_cross_in_alpha_of_the_walks() -> None:
    walks = np.random.default_rng(1).normal(size=(200_000, 6)).cumsum(1) / np.sqrt(np.arange(1, 7))
    bounds = -ndtri(np.array(nominal_levels((3, 4, 6), 0.05)))
    crossed = (walks[:, [2, 3, 5]] > bounds).any(1).mean()
    assert crossed == pytest.approx(0.05, abs=0.0016)
