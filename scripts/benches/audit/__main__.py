"""`make bench-audit`: a million orders audited, against DuckDB's join; exit 0 when all bounds hold, else 1."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.audit.made_run import write_run
from scripts.benches.figures import Figure, machine_line, median_figure, missed, table, unbounded_figure, write_figures

COMMAND = "make bench-audit"
_SIDES = ("audited", "joined")
# In a process of its own: a peak of memory is the whole process's, and its CPU is counted from its first import on.
_MEASURED = """
import json, resource, sys
from pathlib import Path
from loadtests.runtime.process_memory import peak_rss_bytes
from scripts.benches.audit.audited import {side}
found = {side}(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, peak_rss_bytes() / (1 << 20), repr(found)]))
"""
Measured = tuple[float, float, str]


def main(arguments: Sequence[str]) -> int:
    """Measure both sides in turn, `--repeat` times; 0 when every median is within its bound, else 1."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="audit-", dir=options.folder)).absolute()
    try:
        print(f"making a run of {options.orders:,} order attempts …", flush=True)
        write_run(scratch, options.orders)
        figures = _figures(scratch, options.repeat, f"{options.orders:,} order attempts")
    finally:
        shutil.rmtree(scratch)
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / "audit.json", machine, COMMAND, figures)
    print(f"\n{machine}\n{table(figures)}\n")
    for line in missed(figures):
        print(f"missed: {line}")
    return 1 if missed(figures) else 0


def _figures(folder: Path, repeat: int, on: str) -> list[Figure]:
    runs: dict[str, list[Measured]] = {side: [] for side in _SIDES}
    for side in _SIDES:  # compiles what it imports, and isn't counted
        _measure(side, folder)
    for turn in range(repeat):
        print(f"turn {turn + 1} of {repeat} …", flush=True)
        for side in _SIDES if turn % 2 == 0 else reversed(_SIDES):
            runs[side].append(_measure(side, folder))
    ours, theirs = runs["audited"], runs["joined"]
    if any(f"outcome='{answer}'" in ours[0][2] for answer in ("broken", "unknown")):
        raise RuntimeError(f"the made-up run should keep every promise: {ours[0][2][:2000]}")
    ratios = [one[0] / other[0] for one, other in zip(ours, theirs, strict=True)]
    return [
        median_figure("audited: CPU / DuckDB's join of the same files", ratios, "<=", 5.0, on),
        median_figure("… peak RSS, MiB", [one[1] for one in ours], "<=", 1024, on),
        unbounded_figure("audited: CPU, s", [one[0] for one in ours], on),
        unbounded_figure("DuckDB's join: CPU, s", [one[0] for one in theirs], on),
        unbounded_figure("… peak RSS, MiB", [one[1] for one in theirs], on),
    ]


def _measure(side: str, folder: Path) -> Measured:
    """Return the CPU in s, the peak RSS in MiB and what was found of one side."""
    command = [sys.executable, "-P", "-c", _MEASURED.format(side=side), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side}: {done.stderr}")
    cpu_s, peak_mib, found = json.loads(done.stdout.splitlines()[-1])
    return cpu_s, peak_mib, found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000, help="order attempts of the run (1000000)")
    parser.add_argument("--repeat", type=int, default=5, help="turns (5)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
