"""`peakproof judge`: make the verdict of a run from its directory alone."""

import argparse

from scripts.arguments import add_policy, add_signers
from scripts.context import Context
from scripts.running.evidence import Trust
from scripts.running.judging import judge_and_tell
from scripts.running.runs import find_held
from slo.outcomes import ExitCode
from slo.policy.policy import read_policy

SUMMARY = "judge a run: PASS, FAIL or INCONCLUSIVE, with the reason"
EXAMPLE = "peakproof judge latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    parser.add_argument(
        "--unverified",
        action="store_true",
        help="judge a run though nothing shows that its evidence is whole, such as one of before: never a PASS",
    )
    add_signers(parser)
    add_policy(parser, "the run's own, where the gate had one")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Judge, write the verdict and its pages, print it; the exit code is the verdict's."""
    policy = None if options.policy is None else read_policy(options.policy)
    trust = Trust(unverified=options.unverified, signers=options.signers, variables=context.environment)
    return judge_and_tell(find_held(options.run_name, context), context, policy, trust).exit_code
