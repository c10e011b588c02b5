"""`peakproof demo`: the whole of it on one machine: a holiday peak against the stand-in shop, judged and reported."""

import argparse
import dataclasses
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from loadtests.demand.demo import PLAN_PATH
from loadtests.demand.plan import Plan, read_plan
from loadtests.evidence.steps import recorded_step
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.shop import OBJECTIVES, RELEASES, TOKEN_VARIABLE, Shop, start_shop, used_ports
from scripts.running.auditing import audit_finished
from scripts.running.finished_run import FinishedRun
from scripts.running.judging import judge_finished
from scripts.running.lifecycle import Setting, perform
from scripts.running.plan_lines import proven
from scripts.running.read_inputs import read_inputs
from scripts.verbs.run import add_how, web_port
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode

SUMMARY = "run a holiday peak against the stand-in shop, judge it, write the report"
EXAMPLE = "peakproof demo --release slow-checkout"
GOOD = "stable"
STAND_IN = "stand-in"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--release", choices=RELEASES, default=GOOD, metavar="NAME", help=f"release under test: {', '.join(RELEASES)}"
    )
    parser.add_argument("--plan", type=Path, default=PLAN_PATH, metavar="FILE", help="default: the demo's own plan")
    add_how(parser)


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Set up, play, audit, judge, report; the exit code is the verdict's."""
    plan = read_plan(options.plan)
    ports = Ports(base=options.port_base)
    announce(plan, options.release, OBJECTIVES, context)
    ports.check_free(used_ports(ports))
    find_prometheus(context.environment, context.say)
    with tempfile.TemporaryDirectory(prefix="peakproof-demo-") as folder, Children(Path(folder) / "logs") as children:
        context.say("starting the stand-in shop: payment provider, two replicas, front")
        shop = start_shop(children, Path(folder), ports, GOOD, context.environment)
        context = dataclasses.replace(context, environment={**context.environment, TOKEN_VARIABLE: shop.token})
        finished = _play(options, shop, context, Path(folder))
        audit_finished(finished, context)
        with recorded_step(finished.directory, STAND_IN, writes=[finished.directory.path / STAND_IN]):
            _keep(finished.directory, Path(folder), shop)
    return judge_finished(finished, context, shop_stays=False)


def announce(plan: Plan, release: str, objectives: Path, context: Context) -> None:
    """Say at once what will happen, how long it takes, and what it can prove."""
    names = ", ".join(f"{phase.name} {phase.duration_s:.0f} s" for phase in plan.phases)
    context.say(
        f"Peakproof demo: {plan.demand.factor:g} x the forecast peak hour against the stand-in shop, release {release}"
    )
    context.say(f"the run takes {plan.duration_s:.0f} s: {names}; the hour is played {plan.compression:.0f} x as fast")
    if plan.mix_note:
        context.say(f"the mix is {plan.mix_note}")
    for line in proven(plan, read_objectives((objectives,))):
        context.say(line)


def _play(options: argparse.Namespace, shop: Shop, context: Context, folder: Path) -> FinishedRun:
    inputs = read_inputs(options.plan, (OBJECTIVES,), shop.write_targets(folder, "demo"), "demo")
    tested = shop.set_release(options.release)
    good = shop.set_release(GOOD)
    reference = [phase.name for phase in inputs.plan.phases if phase.kind == "reference"]

    def change_release(phase: str) -> None:
        if phase not in reference:
            shop.set_release(options.release)

    setting = Setting(
        ports=shop.ports,
        workers=options.workers,
        browser=options.browser,
        on_phase=change_release,
        phase_releases={p.name: good if p.name in reference else tested for p in inputs.plan.phases},
        releases_expected=tuple(dict.fromkeys((good, tested))),
        web_port=web_port(options, shop.ports),
    )
    return perform(inputs, setting, context)


def _keep(directory: RunDirectory, folder: Path, shop: Shop) -> None:
    """Keep what others counted: the front's access log, the shop's and the provider's databases, and their logs."""
    kept = directory.path / STAND_IN
    kept.mkdir()
    for path in (shop.access_log, *sorted((folder / "logs").glob("*.log"))):
        if path.exists():
            shutil.copyfile(path, kept / path.name)
    for path in (shop.database, folder / "payments.sqlite"):
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept / path.name)) as copy:
            source.backup(copy)
