"""`peakproof dashboards`: build Grafana's dashboards, check them against a run, and show them without Grafana."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from dashboards.grafana.build import build, stale, write
from dashboards.grafana.checks import Answered, Finding, check_all, check_run
from dashboards.grafana.queries import panels
from dashboards.grafana.upgrade import Json
from loadtests.results.recorded_run import read_answers
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from scripts.live_boards.command import add_snapshot, snapshot
from scripts.running.runs import find_run
from slo.documents import BadInput
from slo.formatting import clip
from slo.outcomes import ExitCode

SUMMARY = "build Grafana's dashboards from code, and check that a run has data for every query"
MOST_CHARACTERS = 300
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
    add_snapshot(
        actions.add_parser("snapshot", help="write a run's dashboards as one offline page, or serve live ones")
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Build, check or show; a check ends with 99 when something is wrong."""
    if options.action == "build":
        for path in write(options.to) if options.to else write():
            context.say(str(path))
        return ExitCode.OK
    if options.action == "snapshot":
        return snapshot(options, context)
    return _check(options, context)


def _check(options: argparse.Namespace, context: Context) -> ExitCode:
    boards = build()
    findings, outdated = check_all(boards, complete=True), stale()
    answered = answers_of(RunDirectory(path=find_run(options.run_name, context))) if options.run_name else None
    findings += answered.findings if answered else ()
    for finding in findings:
        board = f"{boards[finding.board]['title']} > " if finding.board else ""
        context.say(f"{board}{finding.where}: {clip(finding.message, MOST_CHARACTERS)} ({finding.rule})")
    for name in outdated:
        context.say(f"{name}.json differs from the code: peakproof dashboards build (stale)")
    context.say(summary(boards, findings, outdated, answered))
    return ExitCode.FAIL if findings or outdated else ExitCode.OK


def summary(
    boards: Mapping[str, Json], findings: Sequence[Finding], outdated: Sequence[str], answered: Answered | None
) -> str:
    """Return the last line: what was checked, what holds, and what could not be asked."""
    checked = (
        f"{_counted(len(boards), 'dashboard')}, {sum(len(list(panels(board))) for board in boards.values())} panels: "
    )
    if findings or outdated:
        wrong = {finding.board for finding in findings} | set(outdated)
        return f"{checked}{_counted(len(findings) + len(outdated), 'finding')} in {_counted(len(wrong), 'dashboard')}"
    if answered is None:
        return f"{checked}every rule holds"
    return f"{checked}every rule holds, every query has data{_not_asked(answered)}"


def _not_asked(answered: Answered) -> str:
    if not answered.not_asked:
        return ""
    need = "needs" if answered.unasked_panels == 1 else "need"
    unasked = _counted(answered.unasked_panels, "panel")
    return f" ({unasked} {need} what this run didn't scrape: {', '.join(answered.not_asked)})"


def answers_of(directory: RunDirectory) -> Answered:
    """Return what a run's stored answers say of every panel of every dashboard; raises BadInput."""
    path = directory.metrics / "dashboards.parquet"
    if not path.exists():
        raise BadInput(f"{path}: missing: the run stored no data of Prometheus for the dashboards")
    return check_run(build(), read_answers(path).to_pylist())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
