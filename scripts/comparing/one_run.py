"""A comparison that one run holds: its sessions or its releases take turns by blocks, with looks while it plays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from loadtests.comparison.compared import compared_in
from loadtests.comparison.job import ComparisonJob, DesignEntry, VariantEntry
from loadtests.comparison.turns import Turns
from loadtests.demand.plan import Plan
from loadtests.environment.targets import Environment
from loadtests.results.inputs import Inputs
from loadtests.runtime.clock import Clock
from scripts.comparing import order
from scripts.comparing.asked import Asked
from scripts.comparing.both_up import BothUp
from scripts.comparing.both_up_design import check_time, design_of, job_plan, minutes_of, short_of
from scripts.comparing.job_folder import copy_objectives, draw_seed, keep_policy, make_folder, policy_of
from scripts.comparing.one_at_a_time import BY_HAND, JobFile
from scripts.comparing.release_probes import ReleaseProbes
from scripts.context import Context
from scripts.running.finished_run import FinishedRun
from scripts.running.lifecycle import Setting, TwoReleases, perform
from scripts.running.read_inputs import check_ceiling
from slo.regression.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoInOneRun:
    """How the releases of one run take turns: what they are, what is said of them, what tells them apart.

    `how` and `notes` are the job's. Series of the server's counters are told apart as `environment` says, None where
    they can't be. `beside` is what goes on beside the run: the looks, and what else the way needs.
    """

    how: str
    a: VariantEntry
    b: VariantEntry
    ways: str
    beside: Callable[[BothUp], TwoReleases] = lambda both: both
    environment: Environment | None = None
    notes: tuple[str, ...] = ()
    releases_expected: tuple[str, ...] = ()


def play_in_one_run(asked: Asked, inputs: Inputs, two: TwoInOneRun, context: Context) -> JobFile:
    """Play the comparison; in its folder `comparison.json` says how it ended.

    Raises BadInput for what can't be compared, EnvironmentLacks before any load when something is missing.
    """
    design = asked.design or design_of(inputs.plan, inputs.objectives)
    plan = job_plan(inputs.plan, design)
    check_ceiling(plan, inputs.environment, asked.plan)
    check_time(plan, asked.max_minutes)
    file = _begun(asked, inputs, two, design, context)
    for line in announced(plan, design, inputs, two):
        context.say(line)
    both = _beside(asked, inputs, plan, two, file, context)
    setting = Setting(
        ports=asked.ports,
        workers=asked.workers,
        permit=asked.permit,
        lease_folder=asked.lease_folder,
        stops_early=False,
        releases_expected=two.releases_expected,
        two_releases=two.beside(both),
    )
    _play(replace(inputs, plan=plan, plan_text=plan.to_yaml()), setting, both)
    return file


def _begun(asked: Asked, inputs: Inputs, two: TwoInOneRun, design: Design, context: Context) -> JobFile:
    folder = make_folder(context.runs, inputs.plan.name, datetime.now(UTC))
    job = ComparisonJob.model_validate(
        {
            "name": folder.name,
            "how": two.how,
            "a": two.a,
            "b": two.b,
            "environment": inputs.environment_name,
            "design": DesignEntry(looks=design.looks, block_s=design.block_s, skip_s=design.skip_s),
            "seed": draw_seed(),
            "notes": two.notes,
        }
    )
    file = JobFile(folder=folder, job=job)
    file.update(objectives=copy_objectives(inputs, folder))
    keep_policy(asked.policy, folder)
    return file


def _beside(asked: Asked, inputs: Inputs, plan: Plan, two: TwoInOneRun, file: JobFile, context: Context) -> BothUp:
    settings, design = policy_of(file.folder).comparison, file.job.design.design()
    blocks = order.draw(design.pairs, file.job.seed)
    clock = Clock.start()
    return BothUp(
        file=file,
        turns=Turns.of((two.a.label, two.b.label), plan.judged_span()[0], design.block_s, blocks),
        asked=asked,
        settings=settings,
        compared=compared_in(plan, inputs.objectives, settings, two.environment),
        context=context,
        probes=ReleaseProbes(now=clock.now),
        clock=clock,
    )


def _play(inputs: Inputs, setting: Setting, both: BothUp) -> None:
    """Play the run, and write into the job how it ended whatever ended it."""
    try:
        finished = perform(inputs, setting, both.context)
    except KeyboardInterrupt:
        both.file.update(blocks=both.blocks(both.clock.now()), ended="stopped", because=BY_HAND)
        raise
    except BaseException as error:
        both.file.update(ended="failed", because=f"{error}" or type(error).__name__)
        raise
    _ended(finished, both)


def _ended(finished: FinishedRun, both: BothUp) -> None:
    run = finished.run
    until = run.ended_at if run.ended_at is not None else both.clock.now()
    if both.why is not None and (run.ended, run.ended_because) == ("stopped", both.why):
        ended, because = "decided", both.why
    elif run.ended == "completed":
        ended, because = "played_out", None
    else:
        ended, because = ("stopped" if run.ended == "stopped" else "failed"), run.ended_because
    both.file.update(blocks=both.blocks(until), ended=ended, because=because)


def announced(plan: Plan, design: Design, inputs: Inputs, two: TwoInOneRun) -> Sequence[str]:
    """Return what is played, how long the whole of it takes, and which blocks will hold little."""
    ends = datetime.now(UTC) + timedelta(minutes=minutes_of(plan))
    short = short_of(plan, design, inputs.objectives)
    few = (f"a hint: a block holds under 300 requests of {', '.join(short)}: little is shown of it",) if short else ()
    return (
        two.ways,
        f"up to {design.pairs} pairs of blocks of {design.block_s:g} s, the first {design.skip_s:g} s not judged",
        f"looks after {', '.join(map(str, design.looks))} pairs",
        f"this takes at most {minutes_of(plan)} minutes, until {ends:%H:%M} UTC",
        *few,
    )
