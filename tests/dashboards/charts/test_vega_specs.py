"""A chart's legend stands in as many columns as its names have room for."""

from typing import Any

import pytest

from dashboards.charts.vega_specs import Curve, OverTime, over_time

LONG = ("shop GET /products/<style>", "payments SELECT payments", "shop SELECT stock")


def _columns(names: tuple[str, ...], width: int) -> int:
    curves = [Curve(name=name, points=[(0.0, 1.0)], colour="c1") for name in names]
    layers: list[dict[str, Any]] = over_time(OverTime(title="Calls", length_s=60, bin_s=1, curves=curves), width)[
        "layer"
    ]
    (legend,) = (one["encoding"]["color"]["legend"] for one in layers if "color" in one.get("encoding", {}))
    return int(legend["columns"])


@pytest.mark.parametrize(
    ("names", "width", "columns"), [(("p50", "p95", "p99"), 1000, 3), (LONG, 500, 2), (LONG, 240, 1)]
)
def test_names_that_have_no_room_beside_each_other_stand_below(
    names: tuple[str, ...], width: int, columns: int
) -> None:
    assert _columns(names, width) == columns
