"""`peakproof dashboards`: build Grafana's dashboards, and check them against a run."""

import argparse
from pathlib import Path

from dashboards.grafana.build import build, stale, write
from dashboards.grafana.checks import Finding, check, check_answers
from loadtests.results.recorded_run import read_answers
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from scripts.running.runs import find_run
from slo.documents import BadInput
from slo.outcomes import ExitCode

SUMMARY = "build Grafana's dashboards from code, and check that a run has data for every query"
EXAMPLE = "peakproof dashboards check latest"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    built = actions.add_parser("build", help="write every dashboard as JSON for Grafana's provisioning")
    built.add_argument(
        "--to", type=Path, metavar="FOLDER", help="where to write (default: dashboards/generated of the installation)"
    )
    checked = actions.add_parser("check", help="check the dashboards' rules, and that a run has data for every query")
    checked.add_argument("run_name", metavar="RUN", nargs="?", help="path, name or latest: also check that it has data")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Build or check; a check ends with 99 when something is wrong."""
    if options.action == "build":
        for path in write(options.to) if options.to else write():
            context.say(str(path))
        return ExitCode.OK
    findings = [finding for dashboard in build().values() for finding in check(dashboard)]
    if options.run_name:
        findings += check_run(RunDirectory(path=find_run(options.run_name, context)))
    for finding in findings:
        context.say(f"{finding.rule}: {finding.where}: {finding.message}")
    outdated = stale()
    for name in outdated:
        context.say(f"stale: {name}.json differs from the code: peakproof dashboards build")
    if not findings and not outdated:
        context.say(f"{len(build())} dashboard: every rule holds{', every query has data' if options.run_name else ''}")
    return ExitCode.FAIL if findings or outdated else ExitCode.OK


def check_run(directory: RunDirectory) -> list[Finding]:
    """Return a finding for each query of the dashboards that the run has no data for; raises BadInput."""
    path = directory.metrics / "dashboards.parquet"
    if not path.exists():
        raise BadInput(f"{path}: missing: the run kept no answers of Prometheus")
    counts: dict[str, int] = {}
    for row in read_answers(path).to_pylist():
        counts[row["query"]] = counts.get(row["query"], 0) + bool(row["at"])
    return [
        finding for dashboard in build().values() for finding in check_answers(dashboard, lambda q: counts.get(q, 0))
    ]
