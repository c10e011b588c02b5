"""`peakproof report`: write a run's report.html again from its directory, or lay two runs side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from dashboards.report import write_comparison_of, write_page
from dashboards.report.run_files import Reading, read
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from scripts.running.evidence import flaw_lines, page_flaws
from scripts.running.runs import find_run
from slo.outcomes import ExitCode

SUMMARY = "write report.html of a run: one page that opens offline"
EXAMPLE = "peakproof report latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="lay OTHER beside RUN on a page of their own, report-against-OTHER.html in RUN: differences, no verdict",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the page and print its path; 75 where evidence isn't whole or can't be shown, and says so."""
    path = find_run(options.run_name, context)
    runs = [_read(path, context)]
    with recorded_step(RunDirectory(path=path), "report") as writes:
        if options.against is None:
            page = write_page(runs[0])
        else:
            runs.append(_read(find_run(options.against, context), context))
            page = write_comparison_of(*runs)
        writes.append(path / page.name)
    for reading in runs:
        _say(reading, "isn't all on the page", [(gap.file, gap.why) for gap in reading.unread], context)
    context.say(str(page))
    return ExitCode.INCONCLUSIVE if any(reading.flawed or reading.unread for reading in runs) else ExitCode.OK


def _read(path: Path, context: Context) -> Reading:
    """Read a run's documents, having said what is wrong with its evidence and with what was made of it."""
    flaws = page_flaws(path)
    reading = read(path, flaws)
    _say(reading, "is not whole", flaws, context)
    return reading


def _say(reading: Reading, what: str, files: Sequence[tuple[str, str]], context: Context) -> None:
    for line in flaw_lines(reading.directory.name, what, files):
        context.say(line)
