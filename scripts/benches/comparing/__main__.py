"""`make bench-gate`: print how often a comparison of two releases is wrong; exit 0 when all bounds hold, else 1.

`--prove` plays 10,000 jobs a cell in place of 2,000, and goes on where it was interrupted.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType

from scripts.benches.comparing import counts, faults, latency, missing, recorded
from scripts.benches.comparing.cells import Cell, Played, Tally, code_hash, key, measure, table
from scripts.benches.comparing.noise import GRID
from scripts.benches.figures import Figure, machine_line, missed, write_figures
from scripts.benches.figures import table as figure_table
from slo.outcomes import ExitCode

COMMAND = "make bench-gate"
SEED = 16
ROWS: Mapping[str, Callable[[], Iterable[Cell]]] = MappingProxyType(
    {
        "one": latency.one_objective,
        "four": latency.four_objectives,
        "switch": latency.switched,
        "levels": latency.levels,
        "faults": faults.cells,
        "recorded": recorded.cells,
        "errors": counts.error_cells,
        "orders": counts.order_cells,
        "missing": missing.cells,
        "other-noise": latency.other_noise,
    }
)
_JOBS, _PROVED_JOBS, _QUICK_JOBS, _QUICK_EVERY = 2000, 10_000, 200, 7


def main(arguments: Sequence[str]) -> int:
    """Play the cells of what `--only` names, or of all."""
    options = _parser().parse_args(arguments)
    started_s = time.monotonic()
    wanted = options.only or tuple(ROWS)
    cells = [cell for name in wanted for cell in ROWS[name]()]
    cells = cells[::_QUICK_EVERY] if options.quick else cells
    jobs = options.jobs or (_QUICK_JOBS if options.quick else _PROVED_JOBS if options.prove else _JOBS)
    options.folder.mkdir(parents=True, exist_ok=True)
    store = options.folder / "comparing.cells.jsonl" if options.prove else None
    with ProcessPoolExecutor(options.processes) as pool:
        played = _played(pool, cells, options.seed, jobs, store)
    figures = [*(figure for one in played for figure in one.figures()), *_over_the_grid(played)]
    took = machine_line(f"{time.monotonic() - started_s:.0f} s", f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / "comparing.json", took, f"{COMMAND}, seed {options.seed}", figures)
    print(f"\n{took}, seed {options.seed}, {jobs} jobs a cell\n\n{table(played)}")
    print("\n" + figure_table(_over_the_grid(played)))
    if "recorded" in wanted:
        print("\n" + _of_recorded(played))
    for line in (lines := missed(figures)):
        print(f"missed: {line}")
    return 1 if lines else ExitCode.OK


def _played(pool: Executor, cells: Sequence[Cell], seed: int, jobs: int, store: Path | None) -> list[Played]:
    """Play the cells that `store` doesn't hold; what is played is added to it at once."""
    mark = f"{code_hash()} {seed} {jobs}"
    done = _stored(store, mark)
    waiting = {pool.submit(measure, cell, seed, jobs): cell for cell in cells if key(cell) not in done}
    for number, future in enumerate(as_completed(waiting), start=1):
        one = future.result().tally
        done[key(waiting[future])] = one
        if store is not None:
            with store.open("a") as file:
                file.write(json.dumps({"mark": mark, "cell": key(waiting[future]), "tally": asdict(one)}) + "\n")
        print(f"{number} of {len(waiting)}: {key(waiting[future])}", file=sys.stderr, flush=True)
    return [Played(cell=cell, tally=done[key(cell)]) for cell in cells]


def _stored(store: Path | None, mark: str) -> dict[str, Tally]:
    if store is None or not store.exists():
        return {}
    lines = [json.loads(line) for line in store.read_text().splitlines()]
    return {line["cell"]: Tally(**line["tally"]) for line in lines if line["mark"] == mark}


def _over_the_grid(played: Sequence[Played]) -> list[Figure]:
    """Return the figures over all cells of the grid with one objective, where all of them were played."""
    grid = [one for one in played if "grid" in one.cell.tags and "0.1" in one.cell.tags]
    if len(grid) < len(GRID):
        return []
    ours = statistics.mean(one.tally.fail for one in grid)
    welch = statistics.mean(one.tally.welch_fail or 0.0 for one in grid)
    figure = partial(Figure, runs=(), on=f"{len(grid)} stagings, deviation 0.03 to 0.08, correlation 0 to 0.7")
    return [
        figure(name="+10 % found, mean of the grid", value=ours, op=">=", bound=0.50),
        figure(name="+10 % found by Welch's test, 5 + 5 runs", value=welch, op=None, bound=None),
    ]


def _of_recorded(played: Sequence[Played]) -> str:
    pairs = recorded.read()
    if pairs is None:
        return (
            f"recorded jobs: not recorded (at least {recorded.FEWEST_PAIRS} pairs of {recorded.FEWEST_JOBS} jobs "
            f"in {recorded.FILE.name}); its rows are not held"
        )
    model = recorded.fit(pairs)
    lines = [f"recorded jobs: {model}"]
    for one in played:
        if one.cell.row.endswith("recorded jobs"):
            none = [f"{100 * (1 - one.tally.fail) ** times:.1f} % in {times}" for times in (30, 300)]
            lines.append(f"chance of no false FAIL: {', '.join(none)} decisions")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(ROWS), help="play these rows; may be repeated")
    parser.add_argument("--jobs", type=int, help=f"jobs of each cell ({_JOBS})")
    parser.add_argument("--prove", action="store_true", help=f"{_PROVED_JOBS:,} jobs of each cell, resumable")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_JOBS} jobs of every {_QUICK_EVERY}th cell")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed than the one that scores ({SEED})")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
