"""`peakproof plan`: build a plan from a forecast, and show what a run of it would send and could prove."""

import argparse
from pathlib import Path

from loadtests.demand.build import BUILT_IN, NO_ORDERS_PER_SESSION, Choices, Offer, build_plan
from loadtests.demand.evidence import with_not_judged
from loadtests.demand.forecast import Forecast, read_forecast
from loadtests.demand.plan import read_plan
from loadtests.demand.profiles import PROFILES
from loadtests.demand.resources import read_prices
from loadtests.demand.visits import uncounted
from loadtests.environment.data_files import facts_of, read_data
from loadtests.environment.targets import read_targets
from loadtests.storefronts import storefront_of
from scripts.arguments import add_profile, between, local_file, write_given
from scripts.context import Context
from scripts.running.data_need import data_needed
from scripts.running.plan_lines import played, proven, to_list
from scripts.running.resource_lines import needed
from slo.documents import BadInput
from slo.objectives.reading import read_objectives
from slo.outcomes import ExitCode

SUMMARY = "build a plan from a forecast; show what a plan sends and which objectives it can prove"
EXAMPLE = "peakproof plan show plan.yaml --objectives objectives.yaml"
_NO_FACTOR = "--factor is missing: how many times the forecast's peak hour to send; 1.5 is usual, so try --factor 1.5"
_SEED = 20_261_127


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    build = actions.add_parser("build", help="write a plan from a forecast and a mix of journeys")
    build.add_argument(
        "--forecast", type=Path, default=Path("forecast.json"), metavar="FILE", help="default: forecast.json"
    )
    build.add_argument("--name", default="holiday-peak", help="the plan's name (default holiday-peak)")
    build.add_argument(
        "--factor",
        type=float,
        metavar="F",
        help="how many times the forecast's peak hour to send (needed; usual is 1.5)",
    )
    build.add_argument(
        "--orders-per-session",
        type=float,
        metavar="SHARE",
        help="such as 0.025 for one order in 40 sessions"
        " (needed, unless the order history has a column sessions; overrides it)",
    )
    build.add_argument(
        "--mix",
        type=_mix,
        metavar="JOURNEY=SHARE,…",
        help="shares of the sessions that sum to 1, such as window-shop=0.97,search-and-buy=0.03"
        " (default: as many buyers as the orders per session say)",
    )
    add_profile(build)
    build.add_argument(
        "--objectives",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="OpenSLO file, repeatable: what a run of the plan can't prove of it is listed as not judged",
    )
    build.add_argument(
        "--seed", type=int, default=_SEED, help=f"of its random arrivals and think times (default {_SEED})"
    )
    build.add_argument(
        "--on",
        metavar="ENVIRONMENT",
        help="take the journeys of this environment's storefront (default: the built-in one)",
    )
    build.add_argument(
        "--targets", type=Path, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    build.add_argument("--to", type=Path, default=Path("plan.yaml"), metavar="FILE", help="default: plan.yaml")
    build.add_argument("--force", action="store_true", help="replace the plan if it exists")
    show = actions.add_parser("show", help="print what a plan sends, and what a run of it can prove")
    show.add_argument("plan", type=Path, metavar="PLAN", help="the plan")
    show.add_argument("--objectives", type=Path, action="append", metavar="FILE", help="OpenSLO file, repeatable")
    show.add_argument(
        "--on", metavar="ENVIRONMENT", help="also say how many accounts of this environment the peak needs"
    )
    show.add_argument(
        "--targets", type=local_file, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    show.add_argument(
        "--prices", type=local_file, metavar="FILE", help="what cores, memory and the environment cost: adds the cost"
    )
    show.add_argument(
        "--workers", type=_workers, default=1, metavar="N", help="over how many workers accounts are spread (default 1)"
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Build or show."""
    return _build(options, context) if options.action == "build" else _show(options, context)


def _build(options: argparse.Namespace, context: Context) -> ExitCode:
    if options.to.exists() and not options.force:
        raise BadInput(f"{options.to}: exists; --force replaces it, --to FILE writes elsewhere")
    forecast = _forecast(options)
    choices = Choices(
        name=options.name,
        seed=options.seed,
        factor=options.factor,
        orders_per_session=options.orders_per_session,
        journeys=options.mix,
        offer=_offer(options),
        phases=PROFILES[options.profile].phases,
    )
    objectives = read_objectives(options.objectives) if options.objectives else ()
    plan = build_plan(forecast, choices)
    if not uncounted(plan):
        plan = with_not_judged(plan, objectives)
    write_given(options.to, plan.to_yaml().encode())
    for line in [*played(plan), *(proven(plan, objectives) if objectives else ())]:
        context.say(line)
    context.say(str(options.to))
    if missing := uncounted(plan):
        context.say(
            f"next: peakproof try {options.to} --on {options.on}   counts the visits of {', '.join(missing)}: evidence"
            " and ceilings rest on them"
        )
    return ExitCode.OK


def _offer(options: argparse.Namespace) -> Offer:
    """Return what the environment's storefront offers; the built-in one's stays as it is."""
    if options.on is None:
        return BUILT_IN
    environment = read_targets(options.targets).environment(options.on, options.targets)
    return BUILT_IN if isinstance(environment.storefront, str) else storefront_of(environment).offer


def _forecast(options: argparse.Namespace) -> Forecast:
    """Read the forecast; raises BadInput naming at once all that a plan needs and neither it nor an option gives."""
    missing = [] if options.factor is not None else [_NO_FACTOR]
    try:
        forecast = read_forecast(options.forecast)
    except BadInput as error:
        raise BadInput("\n".join([*missing, str(error)])) from error
    if options.orders_per_session is None and forecast.orders_per_session is None:
        missing.append(NO_ORDERS_PER_SESSION)
    if missing:
        raise BadInput("\n".join(missing))
    return forecast


def _show(options: argparse.Namespace, context: Context) -> ExitCode:
    plan = read_plan(options.plan)
    for line in played(plan):
        context.say(line)
    if options.on:
        environment = read_targets(options.targets).environment(options.on, options.targets)
        customers, files = storefront_of(environment).customers, facts_of(read_data(environment))
        for line in data_needed(plan, environment, files, options.workers, customers):
            context.say(line)
    objectives = read_objectives(options.objectives) if options.objectives else ()
    prices = None if options.prices is None else read_prices(options.prices)
    context.say("")
    for line in needed(plan, prices, objectives):
        context.say(line)
    if objectives:
        context.say("")
        for line in [*proven(plan, objectives), *to_list(plan, objectives)]:
            context.say(line)
    return ExitCode.OK


def _workers(text: str) -> int:
    return between(text, 1, 1000, "a number")


def _mix(text: str) -> dict[str, float]:
    shares = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            shares[name] = float(share)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"the share of {name} must be a number, found {share!r}") from error
    return shares
