"""`make bench-engine`: prints the table, writes `build/bench/engine.json`; exit 0 when every bound holds, else 1."""

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.runtime.clock import Clock
from scripts.benches.engine import shop
from scripts.benches.engine.measurements import MEASUREMENTS
from scripts.benches.engine.series import Bench
from scripts.benches.engine.target import TARGET_CORE, program, start_nginx
from scripts.benches.figures import Figure, machine_line, missed, table, write_figures
from scripts.local_stack.processes import Children
from slo.outcomes import EnvironmentLacks, ExitCode

COMMAND = "make bench-engine"


def main(arguments: Sequence[str]) -> int:
    """Measure what `--only` names, or everything; 75 when something is missing, or a run can't be trusted.

    What can't be measured doesn't keep the rest from it.
    """
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        figures, refused = _measure(options)
    except EnvironmentLacks as error:
        print(f"{COMMAND}: {error}", file=sys.stderr)
        return ExitCode.INCONCLUSIVE
    command = COMMAND if not arguments else f"python -m scripts.benches.engine {shlex.join(arguments)}"
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / "engine.json", machine, command, figures)
    print(f"\n{machine}; {time.monotonic() - began:.0f} s\n{table(figures)}\n")
    return _ending(missed(figures), refused)


def _ending(lines: Sequence[str], refused: Sequence[str]) -> int:
    for line in lines:
        print(f"missed: {line}")
    for line in refused:
        print(f"not measured: {line}")
    if lines:
        return 1
    if refused:
        return ExitCode.INCONCLUSIVE
    print("every bound holds")
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="measure this; may be repeated")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each side (5; fewer prove nothing)")
    parser.add_argument("--window", type=float, default=2.5, metavar="S", help="length of the steady window (2.5)")
    parser.add_argument("--warm", type=float, default=1.0, metavar="S", help="what goes before it (1)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


def _measure(options: argparse.Namespace) -> tuple[list[Figure], list[str]]:
    program("wrk", "wrk")
    folder = (options.folder / "engine").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {TARGET_CORE})  # the one who watches mustn't wake on the generator's core
    figures: list[Figure] = []
    refused: list[str] = []
    with shop.named(), Children(folder / "logs") as children:
        bench = Bench(
            children=children,
            nginx=start_nginx(children, folder / "nginx"),
            folder=folder / "runs",
            window_s=options.window,
            warm_s=options.warm,
            repeat=options.repeat,
            clock=Clock.start(),
        )
        for name in options.only or MEASUREMENTS:
            print(f"{name}:", flush=True)
            try:
                figures += MEASUREMENTS[name](bench)
            except EnvironmentLacks as error:
                refused.append(f"{name}: {error}")
                print(f"  {error}", flush=True)
    return figures, refused


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
