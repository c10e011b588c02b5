"""`peakproof gate`: play a plan, audit the run, judge it and write its report, with one exit code."""

import argparse

from scripts.context import Context
from scripts.running.auditing import audit_finished
from scripts.running.judging import judge_finished
from scripts.verbs import run as run_verb
from slo.outcomes import ExitCode

SUMMARY = "run a plan, audit and judge the run, write its report: the exit code is the verdict's"
EXAMPLE = "peakproof gate plan.yaml --on staging"
add = run_verb.add


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Play, audit, judge, report; 0 PASS, 99 FAIL, 75 INCONCLUSIVE or not judged.

    The last line is the outcome with the page to open, the line before it `run=` with the run directory, which nothing
    else has judged: no run is looked for by its place in the folder.
    """
    finished = run_verb.play(options, context)
    audit_finished(finished, context)
    return judge_finished(finished, context)
