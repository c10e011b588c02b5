"""`peakproof slo check`: read objectives strictly and say what they hold."""

import argparse
from pathlib import Path

from scripts.context import Context
from slo.objectives.openslo import Objective, read_objectives
from slo.outcomes import ExitCode

SUMMARY = "check OpenSLO files and list their objectives"
EXAMPLE = "peakproof slo check objectives.yaml"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    check = actions.add_parser("check", help="read the files and list their objectives")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE", help="OpenSLO v1 file")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """List the objectives; raises BadInput when one can't be used."""
    for objective in read_objectives(options.files):
        context.say(_line(objective))
    return ExitCode.OK


def _line(objective: Objective) -> str:
    limit = objective.indicator.threshold_s
    what = "succeed" if limit is None else f"take at most {limit:g} s"
    steps = ", ".join(objective.steps)
    return f"{objective.name}: {objective.target:.2%} of {steps} {what} ({objective.indicator.source.kind})"
