"""`peakproof sign`: sign the manifest of a run, so that whoever rewrites it is seen."""

import argparse

from scripts.arguments import add_run_or_comparison, local_file
from scripts.context import Context
from scripts.running.runs import find_comparison, find_run
from scripts.running.signing import sign_run
from slo.outcomes import ExitCode

SUMMARY = "sign a run's manifest with an SSH key, so that a changed run directory is seen to be one"
EXAMPLE = "peakproof sign latest --key ci_key"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run_or_comparison(parser)
    parser.add_argument(
        "--key",
        type=local_file,
        required=True,
        metavar="FILE",
        help="a private SSH key without a passphrase, or a public one whose private half the agent holds",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Sign; 75 where the evidence isn't whole."""
    path = find_comparison(options.run_name, context) or find_run(options.run_name, context)
    sign_run(path, options.key, context)
    return ExitCode.OK
