"""`peakproof cleanup`: remove what a run created in the shop, and prove what is left."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from dashboards.report import write_report
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.arguments import local_file
from scripts.cleaning.cleanup import Asked, clean_up
from scripts.cleaning.subject import read_subject
from scripts.context import Context
from scripts.running.evidence import page_flaws
from scripts.running.runs import find_run
from slo.outcomes import ExitCode

SUMMARY = "remove the orders, accounts and carts that a run left in the shop, by the storefront's @cleanup methods"
EXAMPLE = "peakproof cleanup latest --dry-run"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("run_name", metavar="RUN", help="path, name or latest")
    parser.add_argument(
        "--targets", type=local_file, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list what the run created and what is left, and remove nothing"
    )
    parser.add_argument(
        "--unaudited",
        action="store_true",
        help="clean up after a run that wasn't audited: it can't be any more",
    )
    parser.add_argument("--lease-folder", type=Path, metavar="FOLDER", help="where leases are kept (default: leases/)")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Clean up; 0 when all that the run created is proven to be gone, 99 when some is left, 75 when that is open."""
    path = find_run(options.run_name, context)
    subject = read_subject(path, options.targets)
    asked = Asked(
        name=options.run_name,
        dry_run=options.dry_run,
        unaudited=options.unaudited,
        lease_folder=options.lease_folder or context.folder / "leases",
    )
    directory = subject.directory
    flaws = page_flaws(path)
    reads, writes = (*directory.ledgers(), directory.cleanup), (directory.cleanup, directory.report)
    with recorded_step(directory, "cleanup", reads=reads, writes=writes):
        code = clean_up(subject, asked, context)
        if not options.dry_run:
            _tell(directory, flaws, options.run_name, context)
        return code


def _tell(directory: RunDirectory, flaws: Sequence[tuple[str, str]], name: str, context: Context) -> None:
    """Write the page of a judged run again, with what was removed, and say how its verdict has it.

    `flaws` are what was wrong with its evidence before.
    """
    if not directory.verdict.exists():
        return
    context.say(f"written: {write_report(directory.path, flaws)}")
    context.say(f"next: peakproof judge {name} notes it in verdict.json and summary.md")
