"""`peakproof try`: play one session of each journey, slowly, and show every step; count what a plan needs to know."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from loadtests.demand.plan import Plan, read_plan
from loadtests.demand.plan_text import with_visits
from loadtests.demand.visits import uncounted
from loadtests.environment.targets import Ceiling, Environment, read_targets
from loadtests.guardrails.plan_check import too_much
from loadtests.guardrails.production import is_production
from loadtests.results.inputs import Inputs
from loadtests.storefronts import Storefront, storefront_of
from loadtests.trial.messages import Event, TrialEnded
from loadtests.trial.plan import plan_of
from scripts.arguments import between, local_file, write_given
from scripts.context import Context
from scripts.trying.trial import perform_trial
from scripts.trying.trial_view import TrialView, summary
from scripts.trying.tried import TrialSetting, Tried
from slo.documents import BadInput, read_text
from slo.outcomes import ExitCode

SUMMARY = "play one session of each journey at a request a second, step by step, and count its visits"
EXAMPLE = "peakproof try plan.yaml --on staging"
_STEP_S = 40


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "plan",
        type=local_file,
        metavar="PLAN",
        nargs="?",
        help="the plan: what is counted is written into it; without one it is only printed",
    )
    parser.add_argument("--on", required=True, metavar="ENVIRONMENT", help="the environment's name in the targets file")
    parser.add_argument(
        "--targets", type=local_file, default=Path("targets.yaml"), metavar="FILE", help="default: targets.yaml"
    )
    parser.add_argument("--journey", action="append", metavar="NAME", help="try this one only; repeatable")
    parser.add_argument(
        "--times",
        type=_times,
        metavar="N",
        help="sessions of each journey, whose mean is counted (default 3 with PLAN, 1 without; more for a locustfile"
        " with many tasks)",
    )
    parser.add_argument(
        "--step-timeout",
        type=_seconds,
        default=_STEP_S,
        metavar="SECONDS",
        help=f"how long a step may take before its session is ended (default {_STEP_S})",
    )
    parser.add_argument("--permit", type=local_file, metavar="FILE", help="the permission to load production")
    parser.add_argument("--lease-folder", type=Path, metavar="FOLDER", help="where leases are kept (default: leases/)")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each event, for programs")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Try; 0 when every journey was played, 75 when the shop failed one, 2 when the storefront's file did."""
    inputs, storefront = _inputs(options)
    journeys = _journeys(options, inputs, storefront)
    environment = inputs.environment
    own = None if isinstance(environment.storefront, str) else Path(environment.storefront.file)
    setting = TrialSetting(
        journeys=journeys,
        sessions=options.times or (1 if options.plan is None else storefront.sessions_to_count),
        step_s=float(options.step_timeout),
        permit=options.permit,
        lease_folder=options.lease_folder,
        storefront=own,
    )
    view = TrialView(own, context.folder)
    say = context.say
    if options.json:
        context = replace(context, say=lambda _line: None)

    def show(event: Event) -> None:
        for line in (event.model_dump_json(),) if options.json else view.lines(event):
            say(line)

    tried = perform_trial(inputs, setting, context, show)
    show(_ended(tried))
    for line in _conclusion(tried, inputs, context):
        context.say(line)
    if options.plan is not None:
        _write(options.plan, inputs.plan, inputs.environment.ceiling, tried, context)
    if mistakes := _mistakes(tried, storefront):
        raise BadInput("\n".join(mistakes))
    return _code(tried)


def _inputs(options: argparse.Namespace) -> tuple[Inputs, Storefront]:
    """Read the plan and the environment; raises BadInput."""
    known = read_targets(options.targets)
    environment = known.environment(options.on, options.targets)
    storefront = storefront_of(environment)
    plan = plan_of("try", next(iter(storefront.journeys))) if options.plan is None else read_plan(options.plan)
    inputs = Inputs(
        plan=plan,
        plan_text=plan.to_yaml() if options.plan is None else read_text(options.plan),
        objectives=(),
        objective_files=(),
        environment_name=options.on,
        environment=environment,
        production=is_production(environment, known.environments.values()),
        productions={name: one for name, one in known.environments.items() if one.production and name != options.on},
    )
    return inputs, storefront


def _journeys(options: argparse.Namespace, inputs: Inputs, storefront: Storefront) -> tuple[str, ...]:
    """Return the journeys to try: those that are asked for, else the plan's, without a plan all; raises BadInput."""
    known = ", ".join(storefront.journeys)
    for place, names in ((f"{options.plan}: journeys", inputs.plan.journeys), ("--journey", options.journey or ())):
        if unknown := [name for name in names if name not in storefront.journeys]:
            raise BadInput(f"{place}: {storefront.name} has no journey {', '.join(unknown)}; it has {known}")
    ours = storefront.journeys if options.plan is None else inputs.plan.journeys
    return tuple(dict.fromkeys(options.journey or ours))


def _ended(tried: Tried) -> TrialEnded:
    failed = {name: failure.message for name, failure in tried.failures.items()}
    return TrialEnded(
        directory=tried.directory.path,
        visits=tried.visits(),
        orders=tried.orders,
        not_counted={**tried.refused, **failed},
        stopped=tried.stopped,
    )


def _conclusion(tried: Tried, inputs: Inputs, context: Context) -> Iterator[str]:
    yield ""
    yield "a session makes each step so often:" if tried.visits() else "no journey was counted"
    yield from summary(tried.visits())
    if tried.orders["attempted"]:
        orders, tag = tried.orders, inputs.environment.tag.header
        yield (
            f"orders: {orders['attempted']} attempted, {orders['accepted']} accepted, with the header"
            f" {tag}: {tried.directory.name}"
        )
        if _can_be_audited(inputs.environment):
            yield f"audit them with: peakproof audit {tried.directory.path.relative_to(context.folder)}"
    for journey, why in tried.refused.items():
        yield f"{journey} isn't counted: {why}, each time"
    if tried.stopped:
        yield f"the try was ended: {tried.stopped}"


def _can_be_audited(environment: Environment) -> bool:
    return environment.shop_records is not None


def _write(path: Path, plan: Plan, ceiling: Ceiling, tried: Tried, context: Context) -> None:
    """Write what was counted of the plan's journeys into its file."""
    counted = tried.visits()
    visits = {name: counted.get(name, plan.visits.get(name)) for name in (*plan.visits, *plan.journeys)}
    known = {name: one for name, one in visits.items() if one is not None}
    own = [name for name in plan.journeys if name in counted]
    if own:
        write_given(path, with_visits(read_text(path), known, str(path)).encode())
        context.say(f"{path}: visits of {', '.join(own)} written")
        written = plan.model_copy(update={"visits": known})
        if not uncounted(written) and (why := too_much(written, written.curve(), ceiling)):
            context.say(f"{path}: {why}")
    if others := [name for name in counted if name not in plan.journeys]:
        context.say(f"{path}: its journeys don't hold {', '.join(others)}, whose visits are left out")
    if missing := [name for name in plan.journeys if name not in known]:
        context.say(f"{path}: the visits of {', '.join(missing)} are still missing")


def _mistakes(tried: Tried, storefront: Storefront) -> list[str]:
    """Return what is wrong with the storefront's file: what a session of each journey should have shown."""
    found = []
    for name, one in tried.visits().items():
        if storefront.journeys[name].buys and not one.orders and not storefront.journeys[name].sold_out_ok:
            found.append(f"{storefront.name}: the journey {name} is marked buys=True and placed no order")
        if one.orders and not storefront.journeys[name].buys:
            found.append(f"{storefront.name}: the journey {name} places orders; mark it @journey(buys=True)")
    wrong = [name for name, failure in tried.failures.items() if failure.what in ("storefront", "stuck")]
    found += [f"{storefront.name}: {name}: {tried.failures[name].message}" for name in wrong]
    return found


def _code(tried: Tried) -> ExitCode:
    failed = tried.failures or tried.refused or tried.stopped
    return ExitCode.INCONCLUSIVE if failed else ExitCode.OK


def _times(text: str) -> int:
    return between(text, 1, 100, "a number of sessions")


def _seconds(text: str) -> int:
    return between(text, 2, 600, "seconds")
