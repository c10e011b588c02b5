"""`make bench-pages`: print the table and write it; exit 0 when all bounds hold, else 1."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from scripts.benches.figures import Figure, machine_line, missed, table, write_figures
from scripts.benches.pages import report, snapshot
from slo.outcomes import EnvironmentLacks, ExitCode

COMMAND = "make bench-pages"
MEASUREMENTS: Mapping[str, Callable[[Path, int], Sequence[Figure]]] = MappingProxyType(
    {
        "snapshot": snapshot.measure,  # every board of a run of an hour
        "report": report.measure,  # five million requests
    }
)


def main(arguments: Sequence[str]) -> int:
    """Measure what `--only` names, or all; 75 when something couldn't be measured."""
    options = _parser().parse_args(arguments)
    figures: list[Figure] = []
    refused: list[str] = []
    for name in options.only or MEASUREMENTS:
        folder = (options.folder / "pages" / name).absolute()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"{name} …", flush=True)
        try:
            figures += MEASUREMENTS[name](folder, options.repeat)
        except EnvironmentLacks as error:
            refused.append(f"{name}: {error}")
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / "pages.json", machine, COMMAND, figures)
    print(f"\n{machine}\n{table(figures)}\n")
    lines = missed(figures)
    for line in (*(f"missed: {one}" for one in lines), *(f"not measured: {one}" for one in refused)):
        print(line)
    if lines:
        return 1
    return ExitCode.INCONCLUSIVE if refused else ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="measure this; may be repeated")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each (5)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
