"""`peakproof rules build`: objectives, and what exporters watch, as Prometheus rules and the tests that prove them."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from dashboards.grafana.links import uid
from exporters.alerts.table import groups
from exporters.config import read_config
from scripts.arguments import local_file, write_given
from scripts.context import Context
from scripts.rules import alertmanager
from scripts.rules.arguments import add_scope, pace_of, scope_of
from slo.documents import BadInput
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode
from slo.rules.build import Built, build
from slo.rules.files import TESTS, RuleFiles
from slo.rules.model import Group
from slo.rules.write import LINKS, Links

SUMMARY = "write objectives and the exporters' alerts as Prometheus rules, with tests for promtool"
EXAMPLE = "peakproof rules build objectives.yaml --environment production --to rules"
FOLDER = "rules"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    alertmanager.add(actions.add_parser("alertmanager", help=alertmanager.SUMMARY))
    built = actions.add_parser("build", help="write rules, PrometheusRules and tests, and name what was left out")
    built.add_argument(
        "objectives", type=local_file, nargs="*", metavar="OBJECTIVES", help="files of objectives: OpenSLO or Sloth"
    )
    add_scope(built, required=True)
    built.add_argument("--config", type=local_file, metavar="FILE", help="exporters.yaml: also the exporters' alerts")
    built.add_argument("--to", type=Path, default=Path(FOLDER), metavar="FOLDER", help=f"where to write ({FOLDER})")
    built.add_argument("--operator", action="store_true", help="also write them as PrometheusRule, for its operator")
    built.add_argument(
        "--runbook-url", default=LINKS.runbooks, metavar="URL", help=f"folder of the runbooks ({LINKS.runbooks})"
    )
    built.add_argument("--dashboard-url", metavar="URL", help="Grafana's address, for links to dashboards")
    built.add_argument(
        "--dashboard",
        default=uid("incident"),
        metavar="UID",
        help=f"with --dashboard-url: the dashboard that objectives' alerts name ({uid('incident')})",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the files; raises BadInput for objectives or a configuration that can't be used."""
    if options.action == "alertmanager":
        return alertmanager.run(options, context)
    if not options.objectives and options.config is None:
        raise BadInput("rules build: nothing to build from: name a file of objectives, or --config exporters.yaml")
    scope, pace = scope_of(options), pace_of(options)
    objectives = read_objectives(options.objectives) if options.objectives else ()
    built = build(objectives, scope, pace=pace, dashboard=options.dashboard)
    worries = groups(read_config(options.config), scope) if options.config else ()
    links = Links(runbooks=options.runbook_url, dashboards=options.dashboard_url)
    files = RuleFiles(scope=scope, links=links, pace=pace, operator=options.operator)
    texts = files.of(built, worries)
    for path, text in texts.items():
        write_given(_made(options.to / path), text.encode())
    for line in _said(built, worries, options.to, tests=sum(path.startswith(TESTS) for path in texts)):
        context.say(line)
    return ExitCode.OK if texts else ExitCode.INCONCLUSIVE


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _said(built: Built, worries: Iterable[Group], folder: Path, tests: int) -> Iterable[str]:
    for group in (*built.groups, *worries):
        alerts = len(group.alerts)
        yield f"{group.name}: {len(group.rules) - alerts} recording rules, {alerts} alerts"
    for one in built.left_out:
        yield f"left out: {one.objective}: {one.what}: {one.reason}"
    if tests:
        yield f"written to {folder}; prove them: promtool test rules {folder}/{TESTS}/*.yml"
