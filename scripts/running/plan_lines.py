"""What is said of a plan before it is played: what a run sends, and what it can prove."""

from collections.abc import Sequence

from loadtests.demand.evidence import plan_proofs, with_not_judged
from loadtests.demand.plan import Plan
from loadtests.demand.reference import why_no_causes
from loadtests.demand.visits import uncounted
from slo.formatting import percent, seconds
from slo.objectives.indicators import HANGS_S
from slo.objectives.objective import Objective
from slo.objectives.planning import HEALTHY, PROVABLE, Proof

_HEAD = (
    f"  {'objective':<30}{'requests':>9}{'may fail':>10}{'chance':>8}{'in bursts':>11}{'holds to':>10}{'minutes':>9}"
)


def played(plan: Plan) -> list[str]:
    """Return lines that say what a run of the plan sends."""
    demand = plan.demand
    lines = [
        f"{plan.name}: {demand.source}",
        (
            f"sends {demand.factor:g} x {demand.forecast_orders_per_hour:,.0f} orders an hour,"
            f" up to {demand.peak_sessions_per_s:.1f} sessions/s, {plan.curve().total:,.0f} sessions"
            f" in {plan.duration_s:,.0f} s"
        ),
    ]
    for phase in plan.phases:
        level = "no new sessions" if phase.level is None else _level(phase.level, demand.peak_sessions_per_s)
        represents = f", represents {phase.represents_s:,.0f} s of the hour" if phase.represents_s else ""
        lines.append(f"  {phase.name:<10} {phase.duration_s:6,.0f} s  {level}{represents}")
    for journey, share in plan.journeys.items():
        lines.append(f"  {journey:<18} {share:6.1%}  {demand.peak_sessions_per_s * share:6.2f} sessions/s at the peak")
    lines += [f"  {note}" for note in _notes(plan)]
    return lines


def _notes(plan: Plan) -> list[str]:
    notes = []
    if plan.assets != "off":
        where = {"shop": "of the shop", "all": "of the shop and of its CDN"}[plan.assets]
        notes.append(f"the pages' assets {where} are fetched too; their number isn't planned")
    if plan.streams != "off":
        notes.append("buyers open the event stream of their order's status; awaited events count as requests")
    if plan.limits.connections is not None:
        shared = f"all sessions share {plan.limits.connections:,} connections to the shop"
        notes.append(
            f"{shared}: less realistic than browsers, which open their own; waiting for a free one counts as latency"
        )
    if plan.mix_note:
        notes.append(f"the mix is {plan.mix_note}")
    if why_not := why_no_causes(plan):
        notes.append(f"a FAIL will name no cause: {why_not}")
    return notes + hidden_hangs(plan)


def hidden_hangs(plan: Plan) -> list[str]:
    """Return a line that says that a drain is too short to tell a shop that hangs at the end from one that answers."""
    drain_s = plan.phases[-1].duration_s
    if drain_s >= HANGS_S:
        return []
    hangs, enough = seconds(HANGS_S), seconds(HANGS_S + 2)
    return [
        (
            f"the drain of {seconds(drain_s)} is too short to see a shop hang at the end: a request without a reply"
            f" fails after {hangs}; make it {enough}, as a run ends sooner once its sessions are done"
        )
    ]


def proven(plan: Plan, objectives: Sequence[Objective]) -> list[str]:
    """Return lines that say which objectives a run of the plan can prove, and with which chance."""
    if missing := uncounted(plan):
        return [
            (
                f"what a run can prove isn't known: the visits of {', '.join(missing)} aren't counted;"
                " peakproof try PLAN --on ENVIRONMENT counts them and writes them into the plan"
            )
        ]
    start_s, end_s = plan.judged_span()
    given_up = {item.objective for item in plan.not_judged}
    burst = seconds(plan.assumed_error_burst_s)
    found = plan_proofs(plan, objectives)
    return [
        f"what {end_s - start_s:,.0f} s of judged time can prove, if errors come in bursts of {burst} at most:",
        _HEAD,
        *(_provable(proof, declared=proof.objective in given_up) for proof in found),
        "    may fail   so many of its requests may be bad, and it is still shown met",
        f"    chance     that it is shown met of a shop that spends {percent(HEALTHY)} of its error budget, one by one",
        f"    in bursts  the same of a shop whose errors come in bursts of {burst}, the plan's assumed_error_burst_s",
        "    holds to   a run without an error shows it met unless errors come in bursts longer than this",
        f"    minutes    of judged time it takes for a chance of {percent(PROVABLE)}",
    ]


def to_list(plan: Plan, objectives: Sequence[Objective]) -> list[str]:
    """Return lines that list as not judged what a run of the plan can't be counted on to prove; none when it can all.

    They are empty as well while a journey's visits aren't counted.
    """
    if uncounted(plan):
        return []
    listed = {item.objective for item in plan.not_judged}
    missing = [item for item in with_not_judged(plan, objectives).not_judged if item.objective not in listed]
    if not missing:
        return []
    return [
        "what stays undecided makes the verdict INCONCLUSIVE: lengthen the plan, or add to its not_judged:",
        *(f'- {{objective: {item.objective}, because: "{item.because}"}}' for item in missing),
    ]


def _provable(proof: Proof, *, declared: bool) -> str:
    planned = "–" if proof.unplanned else f"{proof.planned_events:,.0f}"
    chances = ("–", "–", "–", "–")
    if proof.allowed_bad is not None:
        burst = seconds(proof.holds_to_burst_s)
        chances = (f"{proof.allowed_bad:,}", f"{proof.chance:.0%}", f"{proof.chance_in_bursts:.0%}", burst)
    elif not proof.unplanned:
        chances = ("–", "none", "none", "–")
    figures = "".join(f"{text:>{width}}" for text, width in zip(chances, (10, 8, 11, 10), strict=True))
    line = f"  {proof.objective:<30}{planned:>9}{figures}{_minutes(proof.provable_minutes):>9}"
    return f"{line}  {status}" if (status := _status(proof, declared=declared)) else line


def _status(proof: Proof, *, declared: bool) -> str:
    if declared:
        return "not judged: listed in the plan's not_judged"
    if proof.unplanned or not proof.counted:
        why = "the number of assets depends on the shop's pages" if proof.counted else "its total names no steps"
        return f"not planned: {why}"
    if not proof.planned_events:
        return "will be undecided: no journey of the plan makes its steps: correct their names in it"
    if proof.allowed_bad is None:
        return "will be undecided"
    if not proof.possible:
        return "may be undecided"
    return ""


def _minutes(minutes: float | None) -> str:
    return "–" if minutes is None else f"{minutes:,.1f}"


def _level(level: tuple[float, float], peak: float) -> str:
    start, end = level[0] * peak, level[1] * peak
    return f"{start:.1f} sessions/s" if start == end else f"{start:.1f} to {end:.1f} sessions/s"
