"""`peakproof gate`: play a plan, audit the run, judge it and write its report, with one exit code."""

import argparse
from datetime import UTC, datetime

from loadtests.runtime.clock import Clock
from scripts.arguments import add_policy
from scripts.context import Context
from scripts.running.auditing import audit_finished
from scripts.running.judging import judge_finished
from scripts.verbs import run as run_verb
from slo.outcomes import ExitCode
from slo.policy.policy import Policy, check_today, read_policy

SUMMARY = "run a plan, audit and judge the run, write its report: the exit code is the verdict's"
EXAMPLE = "peakproof gate plan.yaml --on staging"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    run_verb.add(parser)
    add_policy(parser, "none: every failure fails, and nothing is waived")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Play, audit, judge, report; 0 PASS, 99 FAIL, 75 INCONCLUSIVE or not judged, or a PASS that couldn't be signed.

    The last line is the outcome with the page to open, the line before it `run=` with the run directory, which nothing
    else has judged: no run is looked for by its place in the folder.
    """
    finished = run_verb.play(options, context, _policy(options, context))
    audit_finished(finished, context)
    signed: list[bool] = []
    code = judge_finished(
        finished, context, then=lambda: signed.append(run_verb.sign_if_wanted(finished, options, context))
    )
    return code if all(signed) else code or ExitCode.INCONCLUSIVE


def _policy(options: argparse.Namespace, context: Context) -> Policy | None:
    """Return the policy, having said which of its waivers have expired; raises BadInput before any load."""
    if options.policy is None:
        return None
    policy = read_policy(options.policy)
    today = datetime.fromtimestamp(Clock.start().now() // 1_000_000_000, UTC).date()
    for line in check_today(policy, options.policy, today):
        context.say(f"policy: {line}")
    if policy.is_advisory:
        context.say("policy: advisory: a verdict, whatever it is, ends with exit code 0")
    return policy
