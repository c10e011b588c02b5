"""`peakproof slo check`: read files of objectives strictly, list them, and say what is wrong with them as alerts."""

import argparse
from pathlib import Path

from scripts.arguments import local_file
from scripts.context import Context
from scripts.rules.arguments import add_scope, pace_of, scope_of
from scripts.rules.exposed import of_file, of_prometheus
from slo.burn_rates import period_s
from slo.findings import Severity
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode
from slo.rules.lint import Exposed, Lint, lint

SUMMARY = "check files of objectives, list them, and say what is wrong with them as alerts"
EXAMPLE = "peakproof slo check objectives.yaml"
_WORDS = {Severity.FAIL: "wrong", Severity.INCONCLUSIVE: "unknown", Severity.NOTE: "note"}


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    check = actions.add_parser("check", help="read the files, list their objectives and what is wrong with them")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE", help="OpenSLO v1 or Sloth file")
    against = check.add_mutually_exclusive_group()
    against.add_argument("--prometheus", metavar="URL", help="also ask this Prometheus whether their series are there")
    against.add_argument("--metrics", type=local_file, metavar="FILE", help="the same of a scrape's text")
    check.add_argument(
        "--retention", type=_retention, metavar="TIME", help="how long Prometheus keeps data, such as 15d"
    )
    add_scope(check, required=False)


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """List the objectives and the findings; raises BadInput when a file can't be used."""
    objectives = read_objectives(options.files)
    for objective in objectives:
        context.say(_line(objective))
    found = lint(
        objectives, scope_of(options), pace_of(options), retention_s=options.retention, exposed=_exposed(options)
    )
    for one in found:
        context.say(f"{_WORDS[one.severity]}: {one.objective}: {one.message}")
    return _code(found)


def _code(found: tuple[Lint, ...]) -> ExitCode:
    severities = {one.severity for one in found}
    if Severity.FAIL in severities:
        return ExitCode.FAIL
    return ExitCode.INCONCLUSIVE if Severity.INCONCLUSIVE in severities else ExitCode.OK


def _exposed(options: argparse.Namespace) -> Exposed | None:
    if options.prometheus is not None:
        return of_prometheus(options.prometheus)
    return None if options.metrics is None else of_file(options.metrics)


def _retention(text: str) -> int:
    try:
        return period_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _line(objective: Objective) -> str:
    limit = objective.indicator.threshold_s
    what = "succeed" if limit is None else f"take at most {limit:g} s"
    if objective.journeys:
        what = "come to their end"
    counted = ", ".join(objective.counted) or "events"
    return f"{objective.name}: {_percent(objective.target)} of {counted} {what} ({objective.indicator.source.kind})"


def _percent(ratio: float) -> str:
    """Return a ratio with two decimals, and with more where a target close to all would be rounded to all."""
    return f"{ratio:.2%}" if round(ratio, 4) == round(ratio, 9) else f"{ratio * 100:.9g}%"
