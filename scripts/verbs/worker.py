"""`peakproof worker`: join runs one after the other, announced on a shared path or listening at a given address."""

import argparse
import os
import time
from collections.abc import Iterator

from loadtests.environment.credentials import Secret
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.job import VARIABLE as RUN_TOKEN
from loadtests.worker.job import read_job
from scripts.context import Context
from scripts.local_stack.processes import Children
from scripts.running.locust_processes import check_connections, start_worker
from scripts.running.remote_master import RemoteMaster, fetch_bundle, read_master
from scripts.running.rendezvous import Rendezvous, read_rendezvous, take_seat
from scripts.tokens import token_named
from slo.outcomes import ExitCode

SUMMARY = "join runs whose master is elsewhere, over a shared runs folder or over the network alone"
EXAMPLE = "peakproof worker --once"
_FOLDER = "uploads"
_LOOK_S = 0.2


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--once", action="store_true", help="end after one run, with the worker's own exit code")
    parser.add_argument(
        "--master",
        metavar="HOST:PORT",
        help="where the runs listen, if their folder isn't shared: what this worker writes is uploaded there",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Join each run that gathers workers, until interrupted; raises BadInput without the token to join with."""
    master = None if options.master is None else read_master(options.master)
    needed = "a master lets in only workers that know the token of its run"
    token = token_named(RUN_TOKEN, context.environment, needed)
    codes = _runs_announced(context, token) if master is None else _runs_at(master, context, token)
    for code in codes:
        if options.once:
            return ExitCode.OK if code == ExitCode.OK else ExitCode.INCONCLUSIVE
    raise AssertionError("runs are waited for without an end")  # pragma: no cover


def _runs_announced(context: Context, token: Secret) -> Iterator[int]:
    """Join each run that is announced on the shared path; yield how this worker ended in it."""
    context.say(f"waiting for a run to join in {context.runs}")
    joined: set[str] = set()
    while True:
        rendezvous = read_rendezvous(context.runs)
        if rendezvous is None or rendezvous.run in joined:
            time.sleep(_LOOK_S)
            continue
        joined.add(rendezvous.run)
        code = _join(rendezvous, context, token)
        if code is not None:
            yield code


def _join(rendezvous: Rendezvous, context: Context, token: Secret) -> int | None:
    """Work for a run until it is over; return the worker's exit code, None when all seats were taken.

    Raises EnvironmentLacks, with no seat taken, when this machine allows too few descriptors.
    """
    directory = RunDirectory(path=context.runs / rendezvous.run)
    job = read_job(directory.path)
    check_connections(job.plan, job.environment, rendezvous.workers)
    job.with_data()  # its files are here, and the run's own
    seat = take_seat(directory, rendezvous.workers)
    if seat is None:
        context.say(f"run {rendezvous.run} has its {rendezvous.workers} workers")
        return None
    context.say(f"joining run {rendezvous.run} at {rendezvous.host}:{rendezvous.port}, seat {seat}")
    master = (rendezvous.host, rendezvous.port)
    return _work(directory, seat, master, context, token)


def _runs_at(master: RemoteMaster, context: Context, token: Secret) -> Iterator[int]:
    """Join each run that listens at `master`, once; yield how this worker ended in it."""
    context.say(f"waiting for a run to join at {master}")
    while True:
        master.wait_for()
        code = _join_at(master, context, token)
        if code is not None:
            yield code
        master.wait_for_its_end()


def _join_at(master: RemoteMaster, context: Context, token: Secret) -> int | None:
    """Fetch what a run is, and work for it; return the worker's exit code, None when it got no part of the run.

    Raises BadInput when the master refuses, and EnvironmentLacks when this machine allows too few descriptors.
    """
    fetched = fetch_bundle(master, context.folder / _FOLDER, context.environment, token)
    if fetched is None:
        context.say(f"the run at {master} has its workers, or is over")
        return None
    job = read_job(fetched.directory.path)
    check_connections(job.plan, job.environment, fetched.workers)
    job.with_data()  # its files are here, and the run's own
    context.say(f"joining run {fetched.directory.name} at {master}; what it writes is kept in {fetched.directory.path}")
    return _work(fetched.directory, os.getpid(), master.address, context, token)


def _work(directory: RunDirectory, number: int, master: tuple[str, int], context: Context, token: Secret) -> int:
    with Children(directory.logs) as children:
        code = start_worker(children, directory, number, master, context.environment, token).process.wait()
    context.say(f"run {directory.name}: this worker ended with {code}")
    return code
