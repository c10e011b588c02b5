"""`make prove-gate`: print the table of how often a verdict is wrong; exit 0 when all bounds hold, else 1.

`--quick` plays 200 runs of every fifth cell: enough to see that it works, too few to prove anything.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType

from scripts.benches.figures import machine_line, missed, write_figures
from scripts.benches.figures import table as figure_table
from scripts.benches.gate import causes, drift, early_stop, levels, planned, queues, sessions, slices
from scripts.benches.gate.cells import Cell, Scored, measure
from scripts.benches.gate.cells import table as cell_table
from slo.outcomes import ExitCode

COMMAND = "make prove-gate"
SEED = 15
ROWS: Mapping[str, Callable[[], Iterable[Cell]]] = MappingProxyType(
    {
        "at-budget": levels.at_budget,
        "few-bursts": levels.few_bursts,
        "sessions": sessions.cells,
        "drift": drift.cells,
        "early-stop": early_stop.cells,
        "planned": planned.cells,
        "queues": queues.cells,
        "slices": slices.cells,
    }
)
CAUSES = "causes"
_QUICK_RUNS, _QUICK_EVERY = 200, 5


def main(arguments: Sequence[str]) -> int:
    """Play the cells of what `--only` names, or of all."""
    options = _parser().parse_args(arguments)
    started_s = time.monotonic()
    wanted = options.only or (*ROWS, CAUSES)
    cells = [cell for name in wanted if name in ROWS for cell in ROWS[name]()]
    runs = options.runs or (_QUICK_RUNS if options.quick else None)
    with ProcessPoolExecutor(options.processes) as pool:
        named = (
            [pool.submit(causes.rows, (runs or causes.RUNS) // (10 if options.quick else 1))]
            if CAUSES in wanted
            else []
        )
        scored = _played(pool, cells[::_QUICK_EVERY] if options.quick else cells, options.seed, runs)
        of_causes = [figure for one in named for figure in one.result()]
    took = machine_line(f"{time.monotonic() - started_s:.0f} s", f"load {os.getloadavg()[0]:.1f} at the end")
    figures = [*(one.figure() for one in scored), *of_causes]
    options.folder.mkdir(parents=True, exist_ok=True)
    write_figures(options.folder / "gate.json", took, f"{COMMAND}, seed {options.seed}", figures)
    print(f"\n{took}, seed {options.seed}")
    for text in (*([cell_table(scored)] if scored else []), *([figure_table(of_causes)] if of_causes else [])):
        print(f"\n{text}")
    for line in (lines := missed(figures)):
        print(f"missed: {line}")
    return 1 if lines else ExitCode.OK


def _played(pool: Executor, cells: Sequence[Cell], seed: int, runs: int | None) -> list[Scored]:
    """Play all cells, from the last to the first."""
    scored: list[Scored] = []
    for one in pool.map(partial(measure, seed=seed, runs=runs), cells[::-1]):
        scored.append(one)
        print(f"{len(scored)} of {len(cells)}: {_shown(one)}", file=sys.stderr, flush=True)
    return scored[::-1]


def _shown(one: Scored) -> str:
    return f"{one.cell.row}: {one.cell.name.strip()}: {100 * one.value:.2f} % {one.cell.scored}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=[*ROWS, CAUSES], help="play these rows; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of each cell (2,000 and more)")
    parser.add_argument("--quick", action="store_true", help="200 runs of every fifth cell")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed than the one that scores ({SEED})")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
