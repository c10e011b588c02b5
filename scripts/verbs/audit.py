"""`peakproof audit`: compare what was promised during a run with the shop records."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from loadtests.audit.late_ledgers import bring_ledgers
from loadtests.audit.run_audit import audit_run
from loadtests.cleanup.journal import Journal
from loadtests.results.run_directory import RunDirectory
from scripts.arguments import local_file
from scripts.context import Context
from scripts.running.auditing import NOTHING_DECLARED, say_checks
from scripts.running.runs import find_run
from slo.outcomes import EnvironmentLacks, ExitCode

SUMMARY = "check by the shop records that every order of a run exists, once, paid once, with the stock moved"
EXAMPLE = "peakproof audit latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")
    parser.add_argument(
        "--worker-folder",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="uploads/RUN of a worker elsewhere, or a copy: bring over the ledger rows that never arrived; repeatable",
    )
    parser.add_argument(
        "--shop-records",
        metavar="FILE",
        type=local_file,
        help="run this file of shop records in place of the one that the run was given, whatever it holds",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Audit and print; 0 when every promise holds, 99 when one is broken, 75 when one is unknown."""
    path = find_run(options.run_name, context)
    _check_not_cleaned_up(RunDirectory(path=path))
    _bring(RunDirectory(path=path), options.worker_folder, context)
    checks = audit_run(path, context.environment, options.shop_records)
    say_checks(checks, context)
    if not checks:
        context.say(NOTHING_DECLARED)
    outcomes = {check.outcome for check in checks}
    if "broken" in outcomes:
        return ExitCode.FAIL
    return ExitCode.INCONCLUSIVE if "unknown" in outcomes or not checks else ExitCode.OK


def _check_not_cleaned_up(directory: RunDirectory) -> None:
    """Raise EnvironmentLacks once something of the run was removed: the shop doesn't show any more what it did."""
    if Journal(directory.cleanup).has_removed:
        raise EnvironmentLacks(
            f"{directory.cleanup}: what the run created was removed: the shop doesn't show any more what it did,"
            " and audit.json stays as it is"
        )


def _bring(directory: RunDirectory, folders: Sequence[Path], context: Context) -> None:
    """Complete the ledgers from the folders of workers elsewhere, and note it in `run.json`; raises BadInput."""
    for folder in folders:
        for worker, rows in bring_ledgers(context.folder / folder, directory).items():
            context.say(f"{rows} rows of the ledger of {worker} were brought from {folder}")
