"""`peakproof doctor`: check that this machine, an environment and the stack have everything that a run needs."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadtests.demand.plan import read_plan
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Targets, read_targets
from loadtests.guardrails.permission import Permission
from loadtests.guardrails.production import is_production, production_at, production_urls, undeclared
from loadtests.results.inputs import sha256
from scripts.arguments import local_file, port, write_given
from scripts.context import Context
from scripts.doctor.environment import environment
from scripts.doctor.lines import Line, ok, rendered, wrong
from scripts.doctor.machine import machine
from scripts.doctor.shop_records import shop_records
from scripts.doctor.stack import check_stack
from scripts.doctor.traces import traces
from scripts.local_stack.ports import DEFAULT_BASE, Ports
from scripts.running.remote_settings import read_remote_settings
from slo.documents import BadInput, read_text, validate
from slo.outcomes import EnvironmentLacks, ExitCode

SUMMARY = "check that this machine, and an environment, have everything that a run needs"
EXAMPLE = "peakproof doctor --on staging"
_HOURS = 4.0


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--on", metavar="ENVIRONMENT", help="also check this environment of the targets file")
    parser.add_argument(
        "--targets", type=local_file, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    parser.add_argument("--stack", action="store_true", help="also check the running stack of docker-compose.yml")
    parser.add_argument(
        "--port-base",
        type=port,
        default=DEFAULT_BASE,
        metavar="PORT",
        help=f"first of the ports to use (default {DEFAULT_BASE})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    permit = parser.add_argument_group("write a permission to load production, instead of checking")
    permit.add_argument(
        "--permit", type=local_file, metavar="FILE", help="write it to FILE; needs --on, --plan, --who and --why"
    )
    permit.add_argument(
        "--plan", type=local_file, metavar="PLAN", help="the plan that may be run; changing it voids the permission"
    )
    permit.add_argument("--who", metavar="NAME", help="who gives the permission")
    permit.add_argument("--why", metavar="REASON", help="why, for the run's record")
    permit.add_argument(
        "--hours",
        type=float,
        default=_HOURS,
        metavar="N",
        help=f"how long it is valid, at most 24 (default {_HOURS:g})",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Check; 0 when every line is ok, else 75."""
    if options.permit is not None:
        return _permit(options, context)
    lines = list(_lines(options, context))
    if options.json:
        document = {"format": "peakproof/doctor/v1", "lines": [line.to_json() for line in lines]}
        context.say(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for text in rendered(lines):
            context.say(text)
    return ExitCode.OK if all(line.state == "ok" for line in lines) else ExitCode.INCONCLUSIVE


def _lines(options: argparse.Namespace, context: Context) -> Iterator[Line]:
    yield from machine(context, Ports(base=options.port_base))
    if options.on is not None:
        targets = read_targets(options.targets)
        target = targets.environment(options.on, options.targets)
        try:
            resolved = resolve_environment(target, context.environment)
        except EnvironmentLacks as error:
            yield wrong("environment", str(error), "correct base_url, or the name service")
        else:
            yield from _environment(options.on, resolved, targets)
            yield from shop_records(resolved, context.environment)
            yield from traces(resolved, Ports(base=options.port_base), read_remote_settings(context.environment))
    if options.stack:
        for checked in check_stack(context.environment):
            good, step = checked.good, checked.change or "see its log: docker compose logs"
            yield ok(checked.name, checked.found) if good else wrong(checked.name, checked.found, step)


def _environment(name: str, resolved: ResolvedEnvironment, targets: Targets) -> Iterator[Line]:
    target, known = resolved.environment, targets.environments
    production = is_production(target, known.values())
    if not production:
        others = {other: one for other, one in known.items() if production_urls(one) and other != name}
        try:
            production = bool(undeclared(target, production_at(target, resolved.destinations, others)))
        except EnvironmentLacks as error:
            yield wrong(
                "production", str(error), "declare its address in resolve, or check from a machine that knows the name"
            )
    yield from environment(name, resolved, production=production)


def _permit(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the permission, with the name of who gives it and the reason."""
    for flag in ("on", "plan", "who", "why"):
        if getattr(options, flag) is None:
            raise BadInput(f"--permit needs --{flag}")
    read_plan(options.plan)
    target = read_targets(options.targets).environment(options.on, options.targets)
    now = datetime.now(UTC).replace(microsecond=0)
    document = {
        "format": "peakproof/permission/v1",
        "environment": options.on,
        "base_url": target.base_url,
        "hosts": {label: host.url for label, host in target.hosts.items()},
        "plan_sha256": sha256(read_text(options.plan)),
        "who": options.who,
        "why": options.why,
        "silences": None if target.alertmanager_url is None else target.alerts_of(options.on),
        "granted_at": now,
        "until": now + _hours(options.hours),
    }
    permission = validate(document, Permission, str(options.permit))
    write_given(options.permit, permission.to_yaml().encode())
    context.say(f"{options.permit}: {options.plan} on {options.on}, until {permission.until.isoformat('T', 'seconds')}")
    if permission.silences is not None:
        context.say(f"it also permits a silence of the alerts of {permission.silences} for as long as the run plays")
    return ExitCode.OK


def _hours(hours: float) -> timedelta:
    if not 0 < hours <= 24:  # noqa: PLR2004 - a day
        raise BadInput(f"--hours: expected more than 0 and at most 24, found {hours:g}")
    return timedelta(hours=hours)
