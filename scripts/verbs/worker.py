"""`peakproof worker`: join the runs that are announced on a shared path, one after the other."""

import argparse
import time

from loadtests.credentials import Secret
from loadtests.job import read_job
from loadtests.joining import VARIABLE as RUN_TOKEN
from loadtests.run_directory import RunDirectory
from scripts.context import Context
from scripts.local_stack.children import Children
from scripts.running.gathering import Gathering, read_gathering, take_seat
from scripts.running.generator import check_connections, start_worker
from scripts.tokens import token_named
from slo.outcomes import ExitCode

SUMMARY = "join runs whose master is elsewhere, over a shared runs folder"
EXAMPLE = "peakproof worker --once"
_LOOK_S = 0.2


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--once", action="store_true", help="end after one run, with the worker's own exit code")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Join each run that gathers workers, until interrupted; raises BadInput without the token to join with."""
    needed = "a master lets in only workers that know the token of its run"
    token = token_named(RUN_TOKEN, context.environment, needed)
    context.say(f"waiting for a run to join in {context.runs}")
    attended: set[str] = set()
    while True:
        gathering = read_gathering(context.runs)
        if gathering is None or gathering.run in attended:
            time.sleep(_LOOK_S)
            continue
        attended.add(gathering.run)
        code = _join(gathering, context, token)
        if options.once and code is not None:
            return ExitCode.OK if code == ExitCode.OK else ExitCode.INCONCLUSIVE


def _join(gathering: Gathering, context: Context, token: Secret) -> int | None:
    """Work for a run until it is over; return the worker's exit code, None when all seats were taken.

    Raises EnvironmentLacks, with no seat taken, when this machine allows too few descriptors.
    """
    directory = RunDirectory(path=context.runs / gathering.run)
    job = read_job(directory.path)
    check_connections(job.plan, job.environment, gathering.workers)
    seat = take_seat(directory, gathering.workers)
    if seat is None:
        context.say(f"run {gathering.run} has its {gathering.workers} workers")
        return None
    context.say(f"joining run {gathering.run} at {gathering.host}:{gathering.port}, seat {seat}")
    master = (gathering.host, gathering.port)
    with Children(directory.logs) as children:
        code = start_worker(children, directory, seat, master, context.environment, token).process.wait()
    context.say(f"run {gathering.run}: this worker ended with {code}")
    return code
