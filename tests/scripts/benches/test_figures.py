"""Figures are held against their bounds, shown in one table, and kept in one form."""

import json
from pathlib import Path

import pytest

from scripts.benches.figures import Figure, machine_line, median_figure, missed, table, told_figure, write_figures

FAST = median_figure("speed", [9.0, 7.0, 8.0], ">=", 8.0, "all on")
LATE = Figure(name="lag, s", value=0.0123456, op="<=", bound=0.004, runs=(0.0123456,), on="half a core")


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        (">=", 8.0, True),
        (">=", 7.99, False),
        ("<=", 8.0, True),
        ("<=", 8.01, False),
        ("==", 8.0, True),
        ("==", 7.0, False),
    ],
)
def test_a_figure_holds_up_to_its_bound_and_not_beyond(op: str, value: float, holds: bool) -> None:  # noqa: FBT001 - the fact
    figure = Figure(name="x", value=value, op=op, bound=8.0, runs=(value,), on="")  # type: ignore[arg-type]
    assert figure.holds is holds


def test_the_value_is_the_median_of_the_runs_in_their_order() -> None:
    assert (FAST.value, FAST.runs) == (8.0, (9.0, 7.0, 8.0))


def test_a_figure_without_a_run_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^speed: no run$"):
        median_figure("speed", [], ">=", 8.0, "")


def test_the_table_shows_each_figure_with_its_bound_and_all_its_runs() -> None:
    assert table([FAST, LATE]).splitlines() == [
        "figure  value    bound             runs     on",
        "speed   8        >= 8      holds   9 7 8    all on",
        "lag, s  0.01235  <= 0.004  MISSED  0.01235  half a core",
    ]


def test_only_the_figures_beyond_their_bounds_are_told_as_missed() -> None:
    assert missed([FAST, LATE]) == ("lag, s: 0.01235, must be <= 0.004",)


def test_the_file_holds_the_machine_the_command_and_every_run(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_figures(path, "a machine", "make bench-x", [FAST])
    assert json.loads(path.read_text()) == {
        "machine": "a machine",
        "command": "make bench-x",
        "figures": [{"name": "speed", "value": 8.0, "op": ">=", "bound": 8.0, "runs": [9.0, 7.0, 8.0], "on": "all on"}],
    }


def test_the_machine_line_ends_with_what_is_noted() -> None:
    assert machine_line("a core kept busy").endswith(", a core kept busy")


def test_a_figure_without_a_bound_is_told_and_misses_nothing() -> None:
    figure = told_figure("assets / steps", [1.5, 1.25, 1.75], "twelve a page")
    assert (figure.value, missed([figure])) == (1.5, ())
    assert table([figure]).splitlines()[1] == "assets / steps  1.5    told only    1.5 1.25 1.75  twelve a page"
