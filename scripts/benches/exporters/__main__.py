"""`make bench-exporters` and `make prove-alerts`: print the table and write it; exit 0 when all bounds hold, else 1.

The alerts take longer than a bench may: every alert is drilled, and rules are changed on purpose some hundred times.
"""

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.exporters.bench import Bench
from scripts.benches.exporters.measurements import MEASUREMENTS
from scripts.benches.figures import Figure, machine_line, missed, table, write_figures
from scripts.local_stack.processes import Children
from slo.outcomes import EnvironmentLacks, ExitCode

COMMAND = "make bench-exporters"
ALERTS = ("detection", "mutants")


def main(arguments: Sequence[str]) -> int:
    """Measure what `--only` names, or all but the alerts; 75 when something couldn't be measured."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    figures, refused = _measured(options)
    command = COMMAND if not arguments else f"python -m scripts.benches.exporters {shlex.join(arguments)}"
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / f"{options.name}.json", machine, command, figures)
    print(f"\n{machine}; {time.monotonic() - began:.0f} s\n{table(figures)}\n")
    for line in (lines := missed(figures)):
        print(f"missed: {line}")
    for line in refused:
        print(f"not measured: {line}")
    if lines:
        return 1
    return ExitCode.INCONCLUSIVE if refused else ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="measure this; may be repeated")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each side (5; fewer prove nothing)")
    parser.add_argument("--name", default="exporters", help="of the file that is written (exporters)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


def _measured(options: argparse.Namespace) -> tuple[list[Figure], list[str]]:
    folder = (options.folder / "exporters").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    figures: list[Figure] = []
    refused: list[str] = []
    for name in options.only or [one for one in MEASUREMENTS if one not in ALERTS]:
        print(f"{name} …", flush=True)
        try:
            with Children(folder / "logs") as children:
                figures += MEASUREMENTS[name](Bench(repeat=options.repeat, folder=folder, children=children))
        except EnvironmentLacks as error:
            refused.append(f"{name}: {error}")
    return figures, refused


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
