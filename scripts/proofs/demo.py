"""`make prove-demo`: ten good and ten slow releases in a row, with one core kept busy by something else.

Each demo is one line in `build/bench/demo.runs.jsonl`; a proof that was interrupted goes on where it stopped.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.benches.figures import Figure, machine_line, write_figures
from slo.documents import BadInput, read_json
from slo.verdict.verdict_document import VerdictDocument

COMMAND = "make prove-demo"
RELEASES = {"stable": "PASS", "slow-checkout": "FAIL"}
REASON = "FAIL  checkout-latency: "
SPAN = 'grew: shop "SELECT stock"'


def main(arguments: list[str]) -> int:
    """Run what is missing of `--times` demos a release, print the table, return 0 when every one ended as it should."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--idle", action="store_true", help="don't keep a core busy")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    journal = options.folder / "demo.runs.jsonl"
    with _spinner(busy=not options.idle):
        for release in RELEASES:
            while len([one for one in _done(journal) if one["release"] == release]) < options.times:
                one = _demo(release, options.folder)
                with journal.open("a") as file:
                    file.write(json.dumps(one) + "\n")
                print(f"{release:<14}{one['wall_s']:6.0f} s  {one['headline']}", flush=True)
    figures = [_figure(release, _done(journal), options.times) for release in RELEASES]
    machine = machine_line(f"one core {'idle' if options.idle else 'kept busy'}")
    write_figures(options.folder / "demo.json", machine, COMMAND, figures)
    for figure in figures:
        print(f"{figure.name}: {figure.value:g} of {figure.bound:g}; {figure.on}")
    return 0 if all(figure.holds for figure in figures) else 1


def _done(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def _demo(release: str, folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "scripts.cli", "demo", "--release", release],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s = time.monotonic() - began
    figures: dict[str, Any] = {"release": release, "code": done.returncode, "wall_s": round(wall_s, 1), "p95_s": None}
    run = max((folder / "runs").glob("*-demo-*"))
    try:
        verdict = read_json(run / "verdict.json", VerdictDocument)
    except BadInput:
        return {**figures, "outcome": "none", "headline": (done.stderr or done.stdout).strip().splitlines()[-1]}
    p95 = next(one.observed_quantile_s for one in verdict.objectives or () if one.name == "checkout-latency")
    return {**figures, "outcome": verdict.outcome, "headline": verdict.headline, "p95_s": p95, "run": run.name}


def _figure(release: str, done: list[dict[str, Any]], times: int) -> Figure:
    runs = [one for one in done if one["release"] == release][:times]
    good = [one for one in runs if _as_it_should(one)]
    p95 = statistics.median(one["p95_s"] or 0.0 for one in runs)
    wall = statistics.median(one["wall_s"] for one in runs)
    return Figure(
        name=f"{release} ended as {RELEASES[release]}",
        value=len(good),
        op="==",
        bound=times,
        runs=[one["wall_s"] for one in runs],
        on=f"median {wall:.0f} s, median checkout p95 {p95 * 1000:.0f} ms",
    )


def _as_it_should(one: dict[str, Any]) -> bool:
    """Whether a demo ended with the right outcome and, for a FAIL, the right objective and span in its headline."""
    if one["outcome"] != RELEASES[one["release"]]:
        return False
    if one["release"] == "stable":
        return bool(one["code"] == 0)
    return bool(one["code"] == 99) and one["headline"].startswith(REASON) and SPAN in one["headline"]  # noqa: PLR2004 - FAIL


@contextmanager
def _spinner(*, busy: bool) -> Iterator[None]:
    if not busy:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
