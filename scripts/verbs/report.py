"""`peakproof report`: write a run's report.html again from its directory, or lay two runs side by side."""

import argparse
from pathlib import Path

from dashboards.report import write_comparison, write_report
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from scripts.running.evidence import page_flaws
from scripts.running.runs import find_run
from slo.outcomes import ExitCode
from slo.validity.manifest import shown

SUMMARY = "write report.html of a run: one page that opens offline"
EXAMPLE = "peakproof report latest"
_NAMED = 10


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="lay OTHER beside RUN on a page of their own, report-against-OTHER.html in RUN: differences, no verdict",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the page and print its path; 75 where it shows evidence that isn't whole, and says so."""
    path = find_run(options.run_name, context)
    flaws = _flaws(path, context)
    with recorded_step(RunDirectory(path=path), "report"):
        if options.against is None:
            page = write_report(path, flaws)
        else:
            other = find_run(options.against, context)
            other_flaws = _flaws(other, context)
            page = write_comparison(path, other, flaws, other_flaws)
            flaws += other_flaws
    context.say(str(page))
    return ExitCode.INCONCLUSIVE if flaws else ExitCode.OK


def _flaws(path: Path, context: Context) -> list[tuple[str, str]]:
    """Return what is wrong with a run's evidence and with what was made of it, having said so."""
    flaws = page_flaws(path)
    for file, what in flaws[:_NAMED]:
        context.say(f"{path.name} is not whole: {shown(file, what)}")
    if len(flaws) > _NAMED:
        context.say(f"and {len(flaws) - _NAMED} more files: peakproof verify {path.name}")
    return flaws
