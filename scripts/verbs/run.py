"""`peakproof run`: play a plan against a named environment."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from loadtests.evidence.signature import check_key
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import write_json
from scripts.arguments import between, local_file, port
from scripts.context import Context
from scripts.local_stack.ports import DEFAULT_BASE, Ports
from scripts.running.error_budgets import ask_budgets
from scripts.running.finished_run import FinishedRun
from scripts.running.judging import commands_to_the_verdict, invalid_because
from scripts.running.lifecycle import Setting, perform
from scripts.running.read_inputs import check_policy, read_inputs
from scripts.running.signing import sign_run
from scripts.running.what_failed import failure_lines
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode
from slo.policy.policy import Policy

SUMMARY = "run a plan against an environment that targets.yaml names"
EXAMPLE = "peakproof run plan.yaml --on staging"
OBJECTIVES = Path("objectives.yaml")


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("plan", type=local_file, metavar="PLAN", help="the plan to run")
    parser.add_argument("--on", required=True, metavar="ENVIRONMENT", help="the environment's name in the targets file")
    add_files(parser)
    parser.add_argument("--release", metavar="VERSION", help="the release that the shop must report, from start to end")
    add_permission(parser)
    parser.add_argument(
        "--sign", type=local_file, metavar="KEY", help="sign the run's manifest with this SSH key (peakproof sign)"
    )
    add_how(parser)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that name targets and objectives; `compare` has them too."""
    parser.add_argument(
        "--targets", type=local_file, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    parser.add_argument(
        "--objectives",
        type=local_file,
        action="append",
        metavar="FILE",
        help="OpenSLO file, repeatable (default: objectives.yaml)",
    )


def add_permission(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that say by which permission, and beside whom; `compare` has them too."""
    parser.add_argument("--permit", type=local_file, metavar="FILE", help="the permission to load production")
    parser.add_argument(
        "--lease-folder",
        type=Path,
        metavar="FOLDER",
        help="where leases are kept; shared by everybody who tests this shop (default: leases/)",
    )


def add_how(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that say how a run is played; `demo` has them too."""
    add_workers(parser)
    parser.add_argument(
        "--browser", action="store_true", help="one real headless Chromium visits the shop's pages during the load"
    )
    parser.add_argument(
        "--web-ui",
        type=port,
        nargs="?",
        const=0,
        metavar="PORT",
        help="show and change the run in Locust's web UI, on 127.0.0.1 only (default port: --port-base + 12)",
    )
    add_port_base(parser)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Describe how many processes make the load; `compare` has it too."""
    cores = os.cpu_count() or 1
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help=f"load generator processes (default 1; {cores} cores here)",
    )


def add_port_base(parser: argparse.ArgumentParser) -> None:
    """Describe which ports are used; `compare` has it too."""
    parser.add_argument(
        "--port-base",
        type=port,
        default=DEFAULT_BASE,
        metavar="PORT",
        help=f"first of the ports to use (default {DEFAULT_BASE})",
    )


def web_port(options: argparse.Namespace, ports: Ports) -> int | None:
    """Return the port of the web UI, None when none is wanted."""
    return ports.web if options.web_ui == 0 else options.web_ui


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Play; 0 when completed and valid, else 75."""
    finished = play(options, context)
    signed = sign_if_wanted(finished, options, context)
    try:
        invalid = invalid_because(finished.directory.path)
    except BadInput as error:  # it was written by this command: somebody else removed or changed it
        raise EnvironmentLacks(f"the run isn't valid: {error}") from error
    ended = finished.run.ended
    if ended == "aborted" and "ended" not in {finding.subject for finding in invalid}:
        context.say(f"the run was aborted: {finished.run.ended_because or 'no reason recorded'}")
    for finding in invalid:
        context.say(f"not valid: {finding.message}; {finding.change}")
    for number, command in enumerate(commands_to_the_verdict(finished.directory), 1):
        context.say(f"next, {number}: {command}")
    return ExitCode.OK if ended == "completed" and signed and not invalid else ExitCode.INCONCLUSIVE


def play(options: argparse.Namespace, context: Context, policy: Policy | None = None) -> FinishedRun:
    """Play what the arguments name, under the gate's policy, and print what the storefront's file raised."""
    if options.sign is not None:
        check_key(options.sign, context.environment)
    objectives = tuple(options.objectives or [OBJECTIVES])
    inputs = read_inputs(options.plan, objectives, options.targets, options.on)
    if policy is not None:
        check_policy(policy, inputs, options.policy)
        inputs = replace(inputs, policy=policy)
    asked = None if policy is None else ask_budgets(policy, inputs.objectives, context)
    ports = Ports(base=options.port_base)
    setting = Setting(
        ports=ports,
        workers=options.workers,
        permit=options.permit,
        lease_folder=options.lease_folder,
        releases_expected=(options.release,) if options.release else (),
        browser=options.browser,
        web_port=web_port(options, ports),
    )
    finished = perform(inputs, setting, context)
    if asked is not None:
        directory = finished.directory
        with recorded_step(directory, "budget", writes=[directory.budget]):
            write_json(directory.budget, asked.model_dump(mode="json"))
    for line in failure_lines(finished.directory):
        context.say(line)
    return finished


def sign_if_wanted(finished: FinishedRun, options: argparse.Namespace, context: Context) -> bool:
    """Sign the run where --sign names a key; what keeps it from that is said, and the run stays unsigned: False."""
    if options.sign is None:
        return True
    try:
        sign_run(finished.directory.path, options.sign, context)
    except (BadInput, EnvironmentLacks) as error:
        context.say(f"not signed: {error}")
        return False
    return True


def _count(text: str) -> int:
    return between(text, 1, 1000, "a number")  # what a master bears (locust#3142)
