"""`peakproof report`: write a run's report.html again from its directory, or lay two runs side by side."""

import argparse

from dashboards.report import write_comparison, write_report
from scripts.context import Context
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
    """Write the page and print its path."""
    path = find_run(options.run_name, context)
    if options.against is None:
        context.say(str(write_report(path)))
    else:
        context.say(str(write_comparison(path, find_run(options.against, context))))
    return ExitCode.OK
