"""`make bench-judge`: judging ten and twenty million requests; exit 0 when all bounds hold, else 1."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.benches.figures import Figure, machine_line, median_figure, missed, table, unbounded_figure, write_figures
from scripts.benches.judging.long_run import write_long_run

COMMAND = "make bench-judge"
MIB = 1024
# Each in a process of its own: a peak of memory is the whole process's. Its CPU is counted from the first import on, of
# modules that are compiled already, as they are from the second command on.
_PROGRAMS = {
    "quantiles": """
import duckdb
files = sorted(map(str, path.glob("requests-*.parquet")))
query = "SELECT step, quantile_disc(finished_at - scheduled_at, [0.5, 0.9, 0.95, 0.99]) FROM read_parquet(?) GROUP BY 1"
database = duckdb.connect(config={"threads": 2})
database.execute("SET enable_progress_bar = false")
database.execute(query, [files]).fetchall()
""",
    "judge": """
from scripts.running import judging
judging.report_page = lambda path: b''
judging.judge_run(path)
""",
    "report": """
from dashboards.report import write_report
write_report(path)
""",
    "manifest": """
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
write_manifest(RunDirectory(path=path))
""",
    "verify": """
from scripts.running.verifying import verify
found = verify(path, None, {})
assert found.files
""",
    "whole": """
from scripts.running.judging import judge_run
judge_run(path)
""",
}
_MEASURED = """
import json, resource, sys, time
from pathlib import Path
path = Path(sys.argv[1])
began = time.monotonic()
{program}
who = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu_s = sum(one.ru_utime + one.ru_stime for one in who)
took_s = time.monotonic() - began
from loadtests.runtime.process_memory import peak_rss_bytes
print(json.dumps([cpu_s, peak_rss_bytes() / (1 << 20), took_s]))
"""
Run = tuple[float, float, float]


def main(arguments: Sequence[str]) -> int:
    """Measure in turn, `--repeat` times; 0 when every median is within its bound, else 1."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="judging-", dir=options.folder)).absolute()
    try:
        figures = _figures(scratch, options.requests, options.repeat)
    finally:
        shutil.rmtree(scratch)
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    write_figures(options.folder / "judge.json", machine, COMMAND, figures)
    print(f"\n{machine}\n{table(figures)}\n")
    lines = missed(figures)
    for line in lines:
        print(f"missed: {line}")
    return 1 if lines else 0


def _figures(scratch: Path, requests: int, repeat: int) -> list[Figure]:
    once, twice = (_made(scratch, size) for size in (requests, 2 * requests))
    for name in _PROGRAMS:  # compiles what it imports, and isn't counted
        _run(name, once)
    runs: dict[str, list[Run]] = {}
    for number in range(repeat):
        print(f"turn {number + 1} of {repeat} …", flush=True)
        for name in _PROGRAMS:
            runs.setdefault(name, []).append(_run(name, once))
        runs.setdefault("twice", []).append(_run("judge", twice))
    on = f"{requests:,} requests"
    return [*_of_judging(runs, on), *_of_evidence(runs, on), *_of_report(runs, once, on)]


def _of_judging(runs: dict[str, list[Run]], on: str) -> list[Figure]:
    judged, baseline, twice = runs["judge"], runs["quantiles"], runs["twice"]
    cpu = [ours[0] / theirs[0] for ours, theirs in zip(judged, baseline, strict=True)]
    cpu_twice = [more[0] / once[0] for more, once in zip(twice, judged, strict=True)]
    rss_twice = [more[1] / once[1] for more, once in zip(twice, judged, strict=True)]
    return [
        median_figure("judged: CPU / DuckDB's four quantiles by step", cpu, "<=", 6.0, on),
        median_figure("… peak RSS, MiB", [one[1] for one in judged], "<=", MIB, on),
        median_figure("twice as many: CPU / once", cpu_twice, "<=", 2.2, on),
        median_figure("… peak RSS / once", rss_twice, "<=", 1.3, on),
        unbounded_figure("judged: CPU, s", [one[0] for one in judged], on),
        unbounded_figure("DuckDB's quantiles: CPU, s", [one[0] for one in baseline], on),
        unbounded_figure("judged: time, s", [one[2] for one in judged], on),
    ]


def _of_evidence(runs: dict[str, list[Run]], on: str) -> list[Figure]:
    return [
        median_figure("manifest at the run's end: time, s", [one[2] for one in runs["manifest"]], "<=", 10.0, on),
        unbounded_figure("… CPU, s", [one[0] for one in runs["manifest"]], on),
        median_figure("verified: time, s", [one[2] for one in runs["verify"]], "<=", 10.0, on),
        unbounded_figure("… CPU, s", [one[0] for one in runs["verify"]], on),
    ]


def _of_report(runs: dict[str, list[Run]], run: Path, on: str) -> list[Figure]:
    report, whole = runs["report"], runs["whole"]
    return [
        median_figure("report: MB", [(run / "report.html").stat().st_size / 1e6], "<=", 3.0, on),
        median_figure("… peak RSS, MiB", [one[1] for one in report], "<=", 2 * MIB, on),
        median_figure("… time, s", [one[2] for one in report], "<=", 60.0, on),
        unbounded_figure("… CPU, s", [one[0] for one in report], on),
        unbounded_figure("judged with its report: CPU, s", [one[0] for one in whole], on),
        unbounded_figure("… peak RSS, MiB", [one[1] for one in whole], on),
    ]


def _made(scratch: Path, requests: int) -> Path:
    print(f"making a run of {requests:,} requests …", flush=True)
    folder = scratch / str(requests)
    folder.mkdir()
    return write_long_run(folder, requests)


def _run(name: str, run: Path) -> Run:
    """Return the CPU in s, the peak RSS in MiB and the time in s of one program in a process of its own."""
    command = [sys.executable, "-P", "-c", _MEASURED.format(program=_PROGRAMS[name]), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(run))
    if done.returncode:
        raise RuntimeError(f"{name} of {run}: {done.stderr}")
    cpu_s, most_mib, took_s = map(float, json.loads(done.stdout.splitlines()[-1]))
    return cpu_s, most_mib, took_s


def _environment(run: Path) -> Mapping[str, str]:
    """Return the variables of a program that keeps what it compiles, beside the runs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(run.parents[1] / "compiled")}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000_000, help="in the smaller of both runs (10000000)")
    parser.add_argument("--repeat", type=int, default=3, help="turns (3)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
