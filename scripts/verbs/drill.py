"""`peakproof drill alerts`: make every alert happen, and measure when it fires and clears against the arithmetic."""

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from exporters.alerts.table import groups as worry_groups
from exporters.config import ExportersConfig, read_config
from scripts.arguments import local_file, port, write_given
from scripts.context import Context
from scripts.drilling.configuration import Build, Own
from scripts.drilling.drill import Drill, Programs, new_folder
from scripts.drilling.report import document, findings, table
from scripts.local_stack.alertmanager import find_alertmanager
from scripts.local_stack.ports import DEFAULT_BASE, Ports
from scripts.local_stack.prometheus_binary import find_prometheus, find_promtool
from slo.documents import BadInput
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode
from slo.rules.alertmanager import read_receivers
from slo.rules.build import objective_groups
from slo.rules.model import Group
from slo.rules.scope import Scope

SUMMARY = "make every alert happen, and measure when it fires and clears against the arithmetic"
EXAMPLE = "peakproof drill alerts objectives.yaml"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    alerts = actions.add_parser("alerts", help="every alert of the objectives, and of exporters.yaml")
    alerts.add_argument("files", type=Path, nargs="*", metavar="FILE", help="OpenSLO v1 file")
    alerts.add_argument("--config", type=local_file, metavar="FILE", help="exporters.yaml: its subjects' alerts too")
    alerts.add_argument("--only", metavar="REGEX", help="only alerts whose name matches")
    alerts.add_argument(
        "--receivers", type=local_file, metavar="FILE", help="Alertmanager's receivers; needs --receiver"
    )
    alerts.add_argument(
        "--receiver", metavar="NAME", help="also notify this receiver of theirs; its name must say drill"
    )
    alerts.add_argument(
        "--to",
        type=local_file,
        default=Path("drills"),
        metavar="FOLDER",
        help="where reports are kept (default drills)",
    )
    alerts.add_argument(
        "--port-base",
        type=port,
        default=DEFAULT_BASE,
        metavar="PORT",
        help=f"first of the ports to use (default {DEFAULT_BASE})",
    )
    alerts.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Drill; 0 when every alert fires and clears as predicted, 99 when one doesn't, 75 when something is missing."""
    build, own = _build(options), _own(options)
    say = (lambda _: None) if options.json else context.say
    ports = Ports(base=options.port_base)
    ports.check_free({"Prometheus": ports.prometheus, "Alertmanager": ports.alertmanager})
    prometheus = find_prometheus(context.environment, say)
    programs = Programs(
        prometheus=prometheus,
        promtool=find_promtool(prometheus, context.environment),
        alertmanager=find_alertmanager(context.environment, say),
        ports=ports,
        environment=context.environment,
    )
    started = datetime.now(UTC).replace(microsecond=0).isoformat()
    folder = new_folder(context.folder / options.to)
    drilled = Drill(build=build, programs=programs, folder=folder, say=say, own=own).run()
    lines, report = list(table(drilled)), json.dumps(document(drilled, started), indent=2, ensure_ascii=False)
    write_given(folder / "report.json", f"{report}\n".encode())
    write_given(folder / "report.txt", ("\n".join(lines) + "\n").encode())
    for line in [report] if options.json else [*lines, f"report: {folder / 'report.json'}"]:
        context.say(line)
    return ExitCode.FAIL if findings(drilled) else ExitCode.OK


def _build(options: argparse.Namespace) -> Build:
    if not options.files and options.config is None:
        raise BadInput("nothing to drill: name a file of objectives, or --config exporters.yaml")
    objectives = list(read_objectives(options.files)) if options.files else []
    config = None if options.config is None else read_config(options.config)
    only = _regex(options.only)
    return lambda scope: _groups(objectives, config, only, scope)


def _groups(
    objectives: list[Objective], config: ExportersConfig | None, only: re.Pattern[str] | None, scope: Scope
) -> tuple[Group, ...]:
    groups = (*objective_groups(objectives, scope), *(() if config is None else worry_groups(config, scope)))
    if only is None:
        return groups
    return tuple(group for group in groups if not group.alerts or any(only.search(one.name) for one in group.alerts))


def _regex(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise BadInput(f"--only {text}: no regular expression: {error}") from error


def _own(options: argparse.Namespace) -> Own | None:
    """Return the user's receiver; one whose name doesn't say that it is for drills is refused."""
    if options.receiver is None and options.receivers is None:
        return None
    if options.receiver is None or options.receivers is None:
        raise BadInput("--receivers and --receiver belong together: the file, and which of its receivers is notified")
    if "drill" not in re.split(r"[^a-z0-9]+", options.receiver.lower()):
        raise BadInput(
            f"--receiver {options.receiver}: its name doesn't say drill, so a drill could wake someone;"
            " expected a receiver such as drill or team-drill"
        )
    file = read_receivers(options.receivers)
    return Own(receiver=file.by_name[file.named(options.receiver, "--receiver")], file=file)
