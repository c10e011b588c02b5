"""The part `probe` of exporters.yaml: what is refused, with place and value."""

from typing import Any

import pytest

from exporters.subjects.probe.config import ProbeConfig
from slo.documents import BadInput, validate

PERMITTED = {"journey": "x", "buys": True, "permit": "p"}
BROWSE = {"browse": {"journey": "window-shop"}}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({}, "modules: required and missing"),
        ({"modules": {"browse": {}}}, "modules.browse.journey: required and missing"),
        (
            {"modules": {"browse": {"journey": "x", "every_s": 30}}},
            "modules.browse.every_s: Input should be greater than or equal to 60, found 30",
        ),
        (
            {"modules": BROWSE, "probes": [{"target": "staging", "module": "browse", "every_s": 5}]},
            "probes[0].every_s: Input should be greater than or equal to 60, found 5",
        ),
        (
            {"modules": {"buy": {"journey": "x", "permit": "p.yaml"}}},
            "modules.buy: permit is for a module with buys: true, found {'journey': 'x', 'permit': 'p.yaml'}",
        ),
        (
            {"modules": {"buy": PERMITTED}},
            f"modules.buy: permit needs plan: a permission names the plan that it is for, found {PERMITTED}",
        ),
        ({"modules": BROWSE, "timeout": 3}, "timeout: unknown key"),
    ],
)
def test_what_does_not_fit_is_named(part: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as raised:
        validate(part, ProbeConfig, "exporters.yaml")
    assert str(raised.value) == f"exporters.yaml: {message}"


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        ([("production", "gift")], "probes[0]: gift is only_on staging, not production"),
        ([("staging", "gaze")], "probes[0].module: no module 'gaze'; there are: browse, gift"),
        ([("staging", "browse")] * 2, "probes: staging with browse stands there twice"),
    ],
)
def test_a_probe_that_can_not_be_is_named(probes: list[tuple[str, str]], message: str) -> None:
    listed = [{"target": target, "module": module} for target, module in probes]
    modules = {**BROWSE, "gift": {"journey": "x", "only_on": ["staging"]}}
    with pytest.raises(BadInput) as raised:
        validate({"modules": modules, "probes": listed}, ProbeConfig, "exporters.yaml")
    assert str(raised.value).startswith(f"exporters.yaml: the top: {message}, found ")


def test_a_probe_s_interval_is_its_own_or_its_module_s() -> None:
    listed = [{"target": "a", "module": "browse"}, {"target": "b", "module": "browse", "every_s": 300}]
    one = ProbeConfig.model_validate({"modules": {"browse": {"journey": "x", "every_s": 90}}, "probes": listed})
    assert [one.every_s(target, "browse") for target in "abc"] == [90, 300, 90]
