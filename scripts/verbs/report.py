"""`peakproof report`: write a run's report.html again from its directory."""

import argparse

from dashboards.report import write_report
from scripts.context import Context
from scripts.running.runs import find_run
from slo.outcomes import ExitCode

SUMMARY = "write report.html of a run: one page that opens offline"
EXAMPLE = "peakproof report latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the report and print its path."""
    context.say(str(write_report(find_run(options.run_name, context))))
    return ExitCode.OK
