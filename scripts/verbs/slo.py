"""`peakproof slo`: check files of objectives, and say what is left of their error budgets."""

import argparse
from pathlib import Path

from loadtests.runtime.clock import Clock
from scripts.arguments import add_policy, local_file
from scripts.context import Context
from scripts.local_stack.prometheus import Prometheus
from scripts.rules.arguments import ANY, add_scope, pace_of, scope_of
from scripts.rules.exposed import of_file, of_prometheus
from scripts.running.error_budgets import budgets
from slo.burn_rates import period_s
from slo.documents import BadInput
from slo.findings import Severity
from slo.formatting import clean
from slo.objectives.evaluated import queries_of
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.objectives.sources import CounterSums, Queries, Readings
from slo.outcomes import ExitCode
from slo.policy.budget import BudgetPolicy, address
from slo.policy.budget_document import FixEntry, budget_lines, exit_code
from slo.policy.policy import read_policy
from slo.rules.lint import Exposed, Lint, lint
from slo.rules.scope import Scope

SUMMARY = "check files of objectives; say what is left of their error budgets, and whether to ship"
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
    _add_budget(actions)


def _add_budget(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    budget = actions.add_parser("budget", help="what is left of each error budget: ship, ship with care, or freeze")
    budget.add_argument("files", type=Path, nargs="+", metavar="FILE", help="OpenSLO v1 or Sloth file")
    budget.add_argument("--prometheus", metavar="URL", help="the Prometheus to ask (default: the policy's)")
    add_policy(budget, "care below 25 % of a budget, freeze at 0")
    add_scope(budget, required=False)
    budget.add_argument("--strict", action="store_true", help="ship with care ends with 99 as well")
    budget.add_argument("--fix", metavar="WHY", help="pass a freeze: the release mends what spent the budget")
    budget.add_argument("--by", metavar="WHO", help="who says so; needed with --fix")
    budget.add_argument("--json", action="store_true", help="print budget.json in place of lines")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """List the objectives and the findings, or the budgets; raises BadInput when a file can't be used."""
    objectives = read_objectives(options.files)
    if options.action == "budget":
        return _budget(options, objectives, context)
    for objective in objectives:
        context.say(_line(objective))
        context.say(f"  {_how(objective)}")
    found = lint(
        objectives, scope_of(options), pace_of(options), retention_s=options.retention, exposed=_exposed(options)
    )
    for one in found:
        context.say(f"{_WORDS[one.severity]}: {one.objective}: {one.message}")
    return _code(found)


def _budget(options: argparse.Namespace, objectives: tuple[Objective, ...], context: Context) -> ExitCode:
    if bool(options.fix and options.fix.strip()) != bool(options.by and options.by.strip()):
        raise BadInput("--fix WHY and --by WHO go together: what passes a freeze is recorded with both")
    given = None if options.policy is None else read_policy(options.policy).budget
    policy = given or BudgetPolicy()
    url = policy.prometheus if options.prometheus is None else address(options.prometheus)
    if url is None:
        raise BadInput("--prometheus is missing: the address of the Prometheus that counts the objectives' events")
    fix = FixEntry(by=clean(options.by), why=clean(options.fix)) if options.fix else None
    named = options.environment is not None or options.matcher is not None
    scope = scope_of(options) if named else Scope(environment=ANY, matcher=policy.matcher)
    at = Clock.start().now()
    document = budgets(objectives, Prometheus(url, None), scope, policy, at=at, fix=fix)
    code = exit_code(document, strict=options.strict)
    document = document.model_copy(update={"exit_code": int(code)})
    lines = [document.model_dump_json(indent=2)] if options.json else budget_lines(document)
    for line in lines:
        context.say(line)
    return code


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
    if not objective.journeys and not objective.are_requests_its_events:
        what = "are good"
    counted = ", ".join(objective.counted) or "events"
    return f"{objective.name}: {_percent(objective.target)} of {counted} {what} ({objective.indicator.source.kind})"


def _how(objective: Objective) -> str:
    """Return how an objective will be evaluated, over which period, and what is passed on."""
    source = objective.indicator.source
    reads = [*objective.indicator.selectors(), *queries_of(source)]
    what = objective.read_by + (f": {', '.join(reads)}" if reads else "")
    if isinstance(source, Readings):
        what += f"; good where it is {source.op} {source.value:g}"
    if isinstance(source, CounterSums | Queries):
        what += (
            f"; the first counts {source.part_is} events" if len(reads) > 1 else f"; a ratio of {source.part_is} events"
        )
    kept = f"{objective.window} by the calendar" if objective.calendar else objective.window
    told = f"; alerts notify {', '.join(objective.notifies)}" if objective.notifies else ""
    return f"{what}; {_judged(objective)}; budget over {kept}{told}"


def _judged(objective: Objective) -> str:
    slices = objective.slices
    if slices is None:
        return "each request is an event" if objective.are_requests_its_events else "each is an event"
    if slices.target is None:
        return f"the mean of the ratios of slices of {slices.length_s} s"
    return f"each slice of {slices.length_s} s is an event, good from {_percent(slices.target)} good on"


def _percent(ratio: float) -> str:
    """Return a ratio with two decimals, and with more where a target close to all would be rounded to all."""
    return f"{ratio:.2%}" if round(ratio, 4) == round(ratio, 9) else f"{ratio * 100:.9g}%"
