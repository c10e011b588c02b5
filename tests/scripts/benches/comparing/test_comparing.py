"""The simulated comparisons: that they are what they say, and that a bound can be missed."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.benches.comparing.__main__ import ROWS, main
from scripts.benches.comparing.cells import Bound, Cell, Played, Tally, key, measure
from scripts.benches.comparing.faults import FAULTS, p95_factor
from scripts.benches.comparing.missing import cells as missing_cells
from scripts.benches.comparing.noise import Noise
from scripts.benches.comparing.recorded import RecordedJob, RecordedPairs, fit


def test_every_cell_has_a_name_of_its_own() -> None:
    names = [key(cell) for row in ROWS.values() for cell in row()]
    assert len(names) == len(set(names))


def test_a_missed_bound_is_a_figure_that_does_not_hold() -> None:
    tally = Tally(jobs=100, fail=0.5, passed=0.2, minutes=8)
    cell = Cell(row="row", name="cell", play=lambda _rng, _jobs: tally, bounds=(Bound(of="open", op="<=", value=0.2),))
    figure = Played(cell=cell, tally=tally).figures()[0]
    assert figure.value == pytest.approx(0.3)
    assert not figure.holds


def test_a_pair_shares_what_the_correlation_says_and_a_short_block_has_more_of_its_own() -> None:
    a, b = Noise(deviation=0.06, correlation=0.5).draw(np.random.default_rng(1), 4000, 12, 25)
    assert float((b - a).std()) == pytest.approx(0.06 * math.sqrt(2 * 0.5 * 55 / 25), rel=0.02)
    assert float(np.cov(a.ravel(), b.ravel())[0, 1]) == pytest.approx(0.06**2 * 0.5, rel=0.05)


def test_a_block_that_a_restart_hit_by_more_than_a_twentieth_has_no_p95() -> None:
    restart, _, pause, neighbour = FAULTS
    assert p95_factor(restart, 0.2) == math.inf
    assert 1 < p95_factor(restart, 0.02) < 1.3
    assert p95_factor(neighbour, 1.0) == pytest.approx(1.3, rel=1e-3)
    assert p95_factor(pause, 0.0) == pytest.approx(1.0, rel=1e-3)


def test_what_is_missing_passes_nothing_and_the_control_does() -> None:
    for cell in missing_cells():
        assert all(figure.holds for figure in measure(cell, 5, 3).figures()), cell.name


def test_the_fit_finds_the_noise_that_was_put_in() -> None:
    rng = np.random.default_rng(3)
    shared, own, lasting = 0.03, 0.04, 0.03
    jobs = []
    for number in range(200):
        common, more = shared * rng.normal(size=10), lasting * rng.normal()
        a, b = (0.4 * np.exp(common + own * rng.normal(size=10) + one) for one in (0.0, more))
        pairs = tuple((float(one), float(other), 500, 500) for one, other in zip(a, b, strict=True))
        jobs.append(RecordedJob(name=f"job-{number}", recorded="2026-11-30", block_s=30, pairs=pairs))
    found = fit(RecordedPairs(jobs=tuple(jobs)))
    assert found.difference_sd == pytest.approx(own * math.sqrt(2), rel=0.06)
    assert found.correlation == pytest.approx(shared**2 / (shared**2 + own**2), abs=0.06)
    assert found.lasting == pytest.approx(lasting, rel=0.15)


def test_a_proof_goes_on_where_it_was_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--prove", "--only", "orders", "--jobs", "2", "--processes", "1", "--folder", str(tmp_path)]
    main(arguments)
    store = tmp_path / "comparing.cells.jsonl"
    lines = store.read_text().splitlines()
    changed = json.loads(lines[0])
    changed["tally"]["minutes"] = 77
    store.write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n")
    main(arguments)
    assert len(store.read_text().splitlines()) == len(lines)
    assert " 77 " in capsys.readouterr().out
