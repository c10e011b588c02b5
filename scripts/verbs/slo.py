"""`peakproof slo check`: read OpenSLO files strictly and list their objectives."""

import argparse
from pathlib import Path

from scripts.context import Context
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
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
