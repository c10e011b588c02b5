"""A cell is the same whatever else is played, and the table says what isn't within its bound."""

import pickle
from collections import Counter
from functools import partial

import numpy as np

from scripts.benches.figures import missed
from scripts.benches.gate.__main__ import ROWS
from scripts.benches.gate.cells import Cell, Tally, measure, table


def _chance(rng: np.random.Generator, runs: int, *, share: float) -> Tally:
    passed = float((rng.random(runs) < share).mean())
    return Tally(runs=runs, shares={"PASS": passed, "FAIL": 0.0, "INCONCLUSIVE": 1 - passed}, note="by chance")


def _cell(name: str, share: float, bound: float | None) -> Cell:
    play = partial(_chance, share=share)
    return Cell(row="a row", name=name, scored="PASS", op="<=" if bound else None, bound=bound, play=play, runs=400)


def test_the_same_seed_plays_a_cell_the_same_and_another_cell_or_seed_otherwise() -> None:
    cell = _cell("one", 0.5, None)
    assert measure(cell, 1, None).value == measure(cell, 1, None).value
    others = {measure(_cell("another", 0.5, None), 1, None).value, measure(cell, 2, None).value}
    assert measure(cell, 1, None).value not in others


def test_the_table_says_what_holds_what_is_missed_and_how_sure_that_is() -> None:
    scored = [measure(cell, 1, 400) for cell in (_cell("kept", 0.0, 0.06), _cell("broken", 1.0, 0.06))]
    assert table([*scored, measure(_cell("seen", 1.0, None), 1, 4)]).splitlines() == [
        "shop      runs   PASS  FAIL  INCONCL.  scored       %   ± %  bound",
        "",
        "a row",
        "  kept     400    0.0   0.0     100.0    PASS    0.00  0.00   <= 6   holds  by chance",
        "  broken   400  100.0   0.0       0.0    PASS  100.00  0.00   <= 6  MISSED  by chance",
        "  seen       4  100.0   0.0       0.0    PASS  100.00  0.00                 by chance",
    ]
    assert missed([one.figure() for one in scored]) == ("a row: broken: PASS: 1, must be <= 0.06",)


def test_the_standard_error_is_the_binomial_one() -> None:
    half = measure(_cell("half", 0.5, None), 3, 10_000)
    assert abs(half.standard_error - 0.005) < 0.0001


def test_every_cell_has_a_name_of_its_own_and_can_be_played_by_another_process() -> None:
    cells = [cell for row in ROWS.values() for cell in row()]
    names = Counter((cell.row, cell.name) for cell in cells)
    assert [name for name, times in names.items() if times > 1] == []
    assert len(pickle.dumps(cells)) > 0


def test_a_bound_goes_with_a_comparison() -> None:
    assert all((cell.op is None) == (cell.bound is None) for row in ROWS.values() for cell in row())
