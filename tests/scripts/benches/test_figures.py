"""A figure holds up to its bound; the command ends with 1 where one doesn't, and with 75 where one wasn't measured."""

import json
from pathlib import Path

import pytest

from scripts.benches.engine.__main__ import _ending
from scripts.benches.figures import Figure, median_figure, missed, table, told_figure, write_figures

FAST = median_figure("speed", [9.0, 7.0, 8.0], ">=", 8.0, "all on")
LATE = Figure(name="lag, s", value=0.0123456, op="<=", bound=0.004, runs=(0.0123456,), on="half a core")


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [(">=", 8.0, True), (">=", 7.99, False), ("<=", 8.0, True), ("<=", 8.01, False), ("==", 7.0, False)],
)
def test_a_figure_holds_up_to_its_bound_and_not_beyond(op: str, value: float, holds: bool) -> None:  # noqa: FBT001 - the fact
    figure = Figure(name="x", value=value, op=op, bound=8.0, runs=(value,), on="")  # type: ignore[arg-type]
    assert figure.holds is holds


def test_the_table_shows_medians_bounds_and_all_runs_and_what_is_beyond_is_missed() -> None:
    assert table([FAST, LATE, told_figure("assets", [1.5, 1.25, 1.75], "")]).splitlines() == [
        "figure  value    bound              runs           on",
        "speed   8        >= 8       holds   9 7 8          all on",
        "lag, s  0.01235  <= 0.004   MISSED  0.01235        half a core",
        "assets  1.5      told only          1.5 1.25 1.75",
    ]
    assert missed([FAST, LATE]) == ("lag, s: 0.01235, must be <= 0.004",)
    with pytest.raises(ValueError, match=r"^speed: no run$"):
        median_figure("speed", [], ">=", 8.0, "")


def test_the_file_holds_the_machine_the_command_and_every_run(tmp_path: Path) -> None:
    write_figures(tmp_path / "x.json", "a machine", "make bench-x", [FAST])
    one = {"name": "speed", "value": 8.0, "op": ">=", "bound": 8.0, "runs": [9.0, 7.0, 8.0], "on": "all on"}
    told = {"machine": "a machine", "command": "make bench-x", "figures": [one]}
    assert json.loads((tmp_path / "x.json").read_text()) == told


@pytest.mark.parametrize(
    ("lines", "refused", "code"), [([], [], 0), (["x: 1"], [], 1), ([], ["tls: why"], 75), (["x: 1"], ["tls: why"], 1)]
)
def test_missed_bounds_are_1_and_what_was_not_measured_is_75(lines: list[str], refused: list[str], code: int) -> None:
    assert _ending(lines, refused) == code
