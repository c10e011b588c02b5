"""What a policy may say of a comparison: each setting between its ends, and what no design may be."""

import pytest
from pydantic import ValidationError

from slo.regression.design import Design
from slo.regression.settings import ComparisonSettings

RANGES = {
    "alpha": (1e-9, 0.10),
    "beta": (1e-9, 0.10),
    "quantile": (0.5, 0.99),
    "fail_ratio": (1.0, 2.0),
    "pass_ratio": (1.001, 3.0),
    "min_change_ms": (0.0, 60_000.0),
    "fail_budget_share": (1e-9, 1.0),
    "pass_budget_share": (1e-9, 1.0),
    "fail_orders_share": (1e-9, 1.0),
    "pass_orders_share": (1e-9, 1.0),
    "deployment_sd": (0.0, 0.5),
    "assumed_error_burst_s": (0.0, 60.0),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_setting_is_taken_at_both_ends_of_its_range_and_refused_beyond(name: str) -> None:
    least, most = RANGES[name]
    for value in (least, most):
        assert getattr(ComparisonSettings.model_validate({name: value}), name) == value
    for value in (least - 0.001, most + 0.001):
        with pytest.raises(ValidationError, match=name):
            ComparisonSettings.model_validate({name: value})


def test_every_setting_has_a_range() -> None:
    assert set(RANGES) == set(ComparisonSettings.model_fields)


@pytest.mark.parametrize("looks", [(3,), (3, 4), (4, 1000)])
def test_a_design_looks_from_three_pairs_on_to_a_thousand(looks: tuple[int, ...]) -> None:
    assert (Design(looks=looks).pairs, Design(looks=looks).looks) == (looks[-1], looks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"looks": (4, 1001)},
        {"looks": (4, 6, 2000)},
        {"looks": (4, 8, 6)},
        {"looks": (4, 6, 6)},
        {"skip_s": -1.0},
        {"switch_s": -0.5},
        {"switch_s": float("inf")},
        {"block_s": float("nan")},
    ],
)
def test_looks_and_times_that_can_not_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^(looks|blocks)"):
        Design(**wrong)  # type: ignore[arg-type]


def test_what_is_left_out_of_a_block_is_not_judged() -> None:
    """Both up, a block is 30 s of which the first 5 s settle."""
    assert (Design().judged_s, Design(block_s=60.0, skip_s=10.0).judged_s) == (25.0, 50.0)
