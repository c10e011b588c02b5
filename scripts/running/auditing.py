"""Auditing a run directory: ask the shop records, and print each check's answer."""

import time
from collections.abc import Sequence

from loadtests.audit.checks import Check
from loadtests.audit.run_audit import audit_run
from loadtests.audit.settling import Patience
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.running.finished_run import FinishedRun, declares_records
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

NOTHING_DECLARED = "nothing to audit: the environment declares no orders, payments or stock"


def audit_finished(finished: FinishedRun, context: Context) -> None:
    """Audit a run that this command has played; print the answers, or why there are none.

    It is left out where the environment declares no shop records, and after a person or a signal ended the run. What
    is pending is waited for until it is settled, or can't be in time. What can't be audited stays unknown, and the
    verdict says so.
    """
    if finished.is_interrupted:
        return
    if not declares_records(finished.directory):
        context.say(NOTHING_DECLARED)
        return
    context.say("auditing: every order against the shop records")
    try:
        patience = Patience(now=Clock.start().now, pause=time.sleep, say=context.say)
        say_checks(audit_run(finished.directory.path, context.environment, patience=patience), context)
    except (BadInput, EnvironmentLacks) as error:
        context.say(f"not audited: {error}")


def say_checks(checks: Sequence[Check], context: Context) -> None:
    """Print each check's answer."""
    for check in checks:
        context.say(f"{check.outcome:<8}{check.name}: {check.detail}")
