"""What is said of a plan's resources: of the plan itself, and of the same demand in each profile."""

from collections.abc import Iterator, Sequence

from loadtests.demand.evidence import plan_proofs
from loadtests.demand.plan import Plan
from loadtests.demand.profiles import PROFILES
from loadtests.demand.resources import Prices, Resources, cost_of, resources_of
from loadtests.demand.visits import uncounted
from slo.formatting import count
from slo.objectives.objective import Objective

_HEAD = f"  {'':<10}{'minutes':>9}{'requests':>13}{'cores':>8}{'workers':>9}{'memory':>9}{'disk':>10}"
_LEAST_GB = 0.01
_NAMED = 2


def needed(plan: Plan, prices: Prices | None, objectives: Sequence[Objective]) -> Iterator[str]:
    """Return lines that say what a run of the plan needs, and what each profile of the same demand does and proves."""
    if missing := uncounted(plan):
        yield (
            f"what a run needs isn't known: the visits of {', '.join(missing)} aren't counted;"
            " peakproof try PLAN --on ENVIRONMENT counts them"
        )
        return
    rows = {"this plan": plan} | {
        name: plan.model_copy(update={"phases": profile.phases}) for name, profile in PROFILES.items()
    }
    yield "what a run takes of the machine that makes the load, and the same demand in each profile:"
    yield _HEAD + (f"{'cost':>14}" if prices else "") + ("  shows" if objectives else "")
    for name, one in rows.items():
        yield _row(name, one, prices) + (f"  {_shown(one, objectives)}" if objectives else "")
    most = resources_of(plan)
    yield f"    cores      at the peak: {most.requests_per_s:,.0f} requests/s, {most.open_sessions:,.0f} open sessions"
    yield f"    memory     of the workers; judging takes {_gb(most.judge_gb)} afterwards, even of ten million requests"
    yield "    disk       of the records; spans, Prometheus and the shop are not in any of it"
    if prices:
        yield "    cost       of the load generator and the environment while it lasts, and of a month of the records"


def _row(name: str, plan: Plan, prices: Prices | None) -> str:
    found = resources_of(plan)
    figures = (
        f"{found.hours * 60:,.1f}",
        count(round(found.requests)),
        f"{found.cores:,.2f}",
        f"{found.workers:,}",
        _gb(found.memory_gb),
        _gb(found.disk_gb),
    )
    line = f"  {name:<10}" + "".join(
        f"{text:>{width}}" for text, width in zip(figures, (9, 13, 8, 9, 9, 10), strict=True)
    )
    return line if prices is None else f"{line}{_cost(found, prices):>14}"


def _cost(found: Resources, prices: Prices) -> str:
    return f"{cost_of(found, prices):,.2f} {prices.currency}"


def _gb(value: float) -> str:
    return f"{value:,.2f} GB" if value >= _LEAST_GB else f"{value * 1000:,.1f} MB"


def _shown(plan: Plan, objectives: Sequence[Objective]) -> str:
    proofs = plan_proofs(plan, objectives)
    lacking = [one.objective for one in proofs if not one.possible]
    told = f"{len(proofs) - len(lacking)} of {len(proofs)} objectives"
    if not lacking or len(lacking) == len(proofs):
        return told
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return f"{told}, not {', '.join(lacking[:_NAMED])}{more}"
