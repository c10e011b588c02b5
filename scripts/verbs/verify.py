"""`peakproof verify`: whether a run's evidence is whole, as it was recorded, and agrees with itself."""

import argparse
import json

from scripts.arguments import add_run_or_comparison, add_signers
from scripts.context import Context
from scripts.running.runs import find_comparison, find_held
from scripts.running.verifying import verify, verify_comparison
from slo.outcomes import ExitCode

SUMMARY = "say whether a run's evidence is whole: every file as its step left it, and no record against another"
EXAMPLE = "peakproof verify latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run_or_comparison(parser)
    add_signers(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Verify and print; 0 when the evidence is whole, 75 when it isn't."""
    comparison = find_comparison(options.run_name, context)
    if comparison is None:
        found = verify(find_held(options.run_name, context), options.signers, context.environment)
    else:
        found = verify_comparison(comparison, options.signers, context.environment)
    if options.json:
        context.say(json.dumps(found.to_json()))
    else:
        for line in found.lines():
            context.say(line)
    return ExitCode.OK if found.is_whole else ExitCode.INCONCLUSIVE
