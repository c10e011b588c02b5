"""A comparison whose releases are both up: one run, whose sessions take turns by blocks, with looks while it plays."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadtests.comparison.compared import Compared, compared_in
from loadtests.comparison.job import BlockEntry, ComparisonJob, DesignEntry, VariantEntry
from loadtests.comparison.observations import observe
from loadtests.comparison.turns import Turns
from loadtests.demand.plan import Plan
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.results.inputs import Inputs
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from scripts.comparing import order
from scripts.comparing.asked import Asked
from scripts.comparing.both_up_design import check_time, design_of, job_plan, minutes_of, short_of
from scripts.comparing.job_folder import copy_objectives, keep_policy, make_folder, policy_of
from scripts.comparing.one_at_a_time import BY_HAND, JobFile
from scripts.comparing.release_probes import EVERY_S, ReleaseProbes
from scripts.context import Context
from scripts.running.finished_run import FinishedRun
from scripts.running.guards import check_environment
from scripts.running.lifecycle import Setting, perform
from scripts.running.read_inputs import check_ceiling
from slo.documents import BadInput
from slo.regression.comparison import compare
from slo.regression.design import Design
from slo.regression.settings import ComparisonSettings

SETTLE_S = 42.0
"""How long after a block's end a look is taken: a reply is waited for 30 s, and a part of records closes after 10."""
_LOOK_EVERY_S = 1.0
_NS = 1_000_000_000
SHARED = "both releases were up in one environment: what they share, such as a database or a cache, served both"
UNPROVEN = "no release_probe is declared: nothing proves which release the blocks met"


@dataclass(kw_only=True)
class BothUp:
    """What goes on beside the run: both releases are asked who they are, and looks are taken."""

    file: JobFile
    turns: Turns
    asked: Asked
    settings: ComparisonSettings
    compared: Compared
    context: Context
    probes: ReleaseProbes
    looked: int = 0
    run: str = ""
    started_at: int | None = None
    why: str | None = None
    clock: Clock = field(default_factory=Clock.start)

    def check(self, resolved: ResolvedEnvironment) -> None:
        """Look at both releases before the load; raises EnvironmentLacks."""
        self.probes.sides = {"a": resolved.variant(self.turns.a), "b": resolved.variant(self.turns.b)}
        check_environment(self.probes.sides["b"], ())
        self.probes.check(same=self.asked.same)
        a, b = self.probes.first("a"), self.probes.first("b")
        named = {"a": self.file.job.a.model_copy(update={"release": a})}
        self.file.update(**named, b=self.file.job.b.model_copy(update={"release": b}))
        if not self.probes.declared:
            self.file.note(UNPROVEN)
            self.context.say(f"a hint: {UNPROVEN}")

    @contextmanager
    def _going_on(self, directory: RunDirectory) -> Iterator[None]:
        self.run = directory.name
        with ExitStack() as threads:
            if self.probes.declared:
                threads.enter_context(WatchThread("releases", EVERY_S, self.probes.look))
            threads.enter_context(WatchThread("looks", _LOOK_EVERY_S, self.look))
            yield

    def beside(self, _resolved: ResolvedEnvironment, directory: RunDirectory) -> AbstractContextManager[None]:
        """Return what goes on beside the load."""
        return self._going_on(directory)

    def why_stop(self, started_at: int) -> str | None:
        """Return what a look has decided, None while none has."""
        self.started_at = started_at
        return self.why

    def look(self) -> None:
        """Take the next look if its pairs have ended and all their requests are in closed parts."""
        looks = self.file.job.design.looks[:-1]  # the last is the verdict's own
        if self.started_at is None or self.why is not None or self.looked >= len(looks):
            return
        pairs = looks[self.looked]
        ends_s = self.turns.first_at_s + 2 * pairs * self.turns.block_s
        if self.clock.now() < self.started_at + round((ends_s + SETTLE_S) * _NS):
            return
        self.looked += 1
        self._take(pairs)

    def _take(self, pairs: int) -> None:
        job = self.file.job.model_copy(update={"blocks": self.blocks(self.clock.now())[: 2 * pairs]})
        self.file.update(blocks=job.blocks)
        try:
            measured = observe(job, self.context.runs, self.compared, live=True)
        except BadInput as error:
            self.context.say(f"after {pairs} pairs: no look: {error}")
            return
        found = compare(measured, job.design.design(), self.settings)
        self.context.say(f"after {pairs} pairs: {found.outcome.value}: {found.because}")
        if found.is_final:
            self.why = f"decided after {pairs} pairs"

    def blocks(self, until: int) -> tuple[BlockEntry, ...]:
        """Return the blocks that were played to their end by `until` (ns)."""
        if self.started_at is None:
            return ()
        return tuple(self.probes.told(one) for one in _blocks(self.turns, self.started_at, self.run, until))


def _blocks(turns: Turns, started_at: int, run: str, until: int) -> Iterator[BlockEntry]:
    for number, at_s in enumerate(turns.starts_s()):
        starts_at = started_at + round(at_s * _NS)
        ends_at = started_at + round((at_s + turns.block_s) * _NS)
        if ends_at > until:
            return
        variant = "a" if turns.order[number] == "a" else "b"
        yield BlockEntry.model_validate(
            {"pair": number // 2 + 1, "variant": variant, "run": run, "starts_at": starts_at, "ends_at": ends_at}
        )


def play_both_up(asked: Asked, inputs: Inputs, context: Context) -> Path:
    """Play the comparison; return its folder, where `comparison.json` says how it ended.

    Raises BadInput for what can't be compared, EnvironmentLacks before any load when something is missing.
    """
    labels = _labels(inputs, asked)
    design = asked.design or design_of(inputs.plan, inputs.objectives)
    plan = job_plan(inputs.plan, design)
    check_ceiling(plan, inputs.environment, asked.plan)
    check_time(plan, asked.max_minutes)
    folder = make_folder(context.runs, inputs.plan.name, datetime.now(UTC))
    file = JobFile(folder=folder, job=_job(folder.name, labels, design, inputs))
    file.update(objectives=copy_objectives(inputs, folder))
    keep_policy(asked, folder)
    settings = policy_of(folder).comparison
    for line in announced(plan, design, inputs):
        context.say(line)
    turns = Turns.of(labels, plan.judged_span()[0], design.block_s, order.draw(design.pairs, str(plan.seed)))
    compared = compared_in(plan, inputs.objectives, settings, inputs.environment)
    clock = Clock.start()
    both = BothUp(
        file=file,
        turns=turns,
        asked=asked,
        settings=settings,
        compared=compared,
        context=context,
        probes=ReleaseProbes(now=clock.now),
        clock=clock,
    )
    setting = Setting(
        ports=asked.ports,
        workers=asked.workers,
        permit=asked.permit,
        lease_folder=asked.lease_folder,
        stops_early=False,
        two_releases=both,
    )
    play_run(replace(inputs, plan=plan, plan_text=plan.to_yaml()), setting, both)
    return folder


def play_run(inputs: Inputs, setting: Setting, both: BothUp) -> None:
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


def _labels(inputs: Inputs, asked: Asked) -> tuple[str, str]:
    variants = inputs.environment.variants
    if not variants:
        raise BadInput(
            f"{asked.targets}: environments.{asked.on} declares no variants: say how each release is reached, such as"
            " variants: {before: {header: {X-Release: a}}, after: {header: {X-Release: b}}}, or put them up one after"
            " the other by --switch COMMAND"
        )
    if inputs.production and inputs.environment.variant_urls:
        raise BadInput(
            f"{asked.targets}: environments.{asked.on} is production and has variants with a base_url of their own:"
            " a permission is for one address; choose the release by a header or a cookie"
        )
    first, second = variants
    return first, second


def _job(name: str, labels: tuple[str, str], design: Design, inputs: Inputs) -> ComparisonJob:
    entry = DesignEntry(looks=design.looks, block_s=design.block_s, skip_s=design.skip_s)
    a, b = (VariantEntry(variant=letter, label=label) for letter, label in zip(("a", "b"), labels, strict=True))
    return ComparisonJob(
        name=name,
        how="variants",
        a=a,
        b=b,
        environment=inputs.environment_name,
        design=entry,
        notes=(SHARED,),
    )


def announced(plan: Plan, design: Design, inputs: Inputs) -> tuple[str, ...]:
    """Return what is played, how long the whole of it takes, and which blocks will hold little."""
    first, second = inputs.environment.variants.items()
    ends = datetime.now(UTC) + timedelta(minutes=minutes_of(plan))
    short = short_of(plan, design, inputs.objectives)
    few = (f"a hint: a block holds under 300 requests of {', '.join(short)}: little is shown of it",) if short else ()
    return (
        f"A is {first[0]} ({first[1].way}), B is {second[0]} ({second[1].way})",
        f"up to {design.pairs} pairs of blocks of {design.block_s:g} s, the first {design.skip_s:g} s not judged",
        f"looks after {', '.join(map(str, design.looks))} pairs",
        f"this takes at most {minutes_of(plan)} minutes, until {ends:%H:%M} UTC",
        *few,
    )
