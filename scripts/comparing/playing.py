"""What comparisons by switch and of two environments share: the checks, the design that is told, the blocks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from loadtests.comparison.job import ComparisonJob, DesignEntry, Variant, VariantEntry
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.guardrails.access import check_allowed
from loadtests.results.inputs import Inputs
from scripts.comparing import order
from scripts.comparing.asked import Asked
from scripts.comparing.block_run import BlockRuns, Side
from scripts.comparing.blocks import beside_at_most, beside_of, least_measured_s, skip_of
from scripts.comparing.job_folder import copy_objectives, draw_seed, keep_policy, make_folder, policy_of
from scripts.comparing.judging import look_in
from scripts.comparing.one_at_a_time import JobFile, OneAtATime, Switcher
from scripts.comparing.switch_design import Chosen, Costs, as_asked, choose, minutes
from scripts.comparing.time_allowed import TimeAllowed
from scripts.context import Context
from scripts.running.lifecycle import Setting
from scripts.running.remote_settings import read_remote_settings
from scripts.running.telemetry import find_program, ports_used
from slo.regression.design import BOTH_UP_LOOKS

_NOT_DESIGNED = DesignEntry(looks=BOTH_UP_LOOKS, block_s=30.0, skip_s=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """A comparison that is to be played: what it is asked for, and the inputs of A."""

    asked: Asked
    inputs: Inputs
    context: Context
    clock: Callable[[], float] = time.monotonic
    began_s: float = field(default_factory=time.monotonic)

    def begin(self, how: str, label_a: str, label_b: str) -> JobFile:
        """Make the comparison's folder and its document."""
        folder = make_folder(self.context.runs, self.inputs.plan.name, datetime.now(UTC))
        keep_policy(self.asked.policy, folder)
        self.context.say(f"comparison {folder}")
        job = ComparisonJob.model_validate(
            {
                "name": folder.name,
                "how": how,
                "environment": self.inputs.environment_name,
                "a": VariantEntry(variant="a", label=label_a),
                "b": VariantEntry(variant="b", label=label_b),
                "design": _NOT_DESIGNED,
                "seed": draw_seed(),
                "objectives": copy_objectives(self.inputs, folder),
            }
        )
        file = JobFile(folder=folder, job=job)
        file.update()
        return file

    def design(self, file: JobFile, switch_s: float, how: str) -> "Blocks":
        """Choose the design, write it down and tell what it takes; return the order of its blocks and their time.

        Raises BadInput when it may take longer than what is left of the time allowed: what was spent until now counts.
        """
        plan, settings = self.inputs.plan, policy_of(file.folder).comparison
        costs = Costs(
            switch_s=switch_s,
            beside_s=beside_of(plan),
            beside_most_s=beside_at_most(plan),
            skip_s=skip_of(plan),
            least_measured_s=least_measured_s(plan, self.inputs.objectives),
        )
        draw = partial(order.draw, seed=file.job.seed)
        now_s = self.clock()
        left_s = self.asked.max_minutes * 60 - (now_s - self.began_s)
        if self.asked.design is None:
            chosen = choose(costs, draw, left_s, settings.alpha, settings.deployment_sd)
        else:
            chosen = as_asked(self.asked.design, costs, draw, left_s)
        design = chosen.design
        entry = {"looks": design.looks, "block_s": design.block_s, "skip_s": design.skip_s}
        file.update(design=DesignEntry.model_validate({**entry, "switch_s": round(switch_s, 1)}))
        for line in announced(chosen, how, datetime.now(UTC)):
            self.context.say(line)
        allowed = TimeAllowed(design=design, costs=costs, until_s=now_s + chosen.most_s, clock=self.clock)
        return Blocks(order=draw(design.pairs), allowed=allowed)

    def play(
        self,
        file: JobFile,
        sides: Mapping[Variant, Side],
        blocks: "Blocks",
        switcher: Switcher,
        release_of: Callable[[Variant], str | None],
    ) -> ComparisonJob:
        """Play the blocks, each as a run; see `OneAtATime.perform`."""
        asked = self.asked
        runs = BlockRuns(
            sides=sides,
            design=file.job.design.design(),
            setting=Setting(ports=asked.ports, workers=asked.workers, permit=asked.permit),
            releases=release_of,
            context=self.context,
        )
        judge = look_in(self.context.runs, policy_of(file.folder).comparison)
        return OneAtATime(
            file=file,
            order=blocks.order,
            switcher=switcher,
            play=runs.play,
            judge=judge,
            say=self.context.say,
            allowed=blocks.allowed,
        ).perform()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The order in which blocks are played, and the time that they have."""

    order: tuple[Variant, ...]
    allowed: TimeAllowed


def check_blocks(inputs: Inputs, asked: Asked, context: Context) -> None:
    """Refuse, before anything is switched, what every block's run would refuse."""
    check_allowed(inputs, asked.permit, resolve_environment(inputs.environment, context.environment))
    outside = read_remote_settings(context.environment)
    asked.ports.check_free(ports_used(asked.ports, outside, asked.workers))
    find_program(outside, asked.ports, context)


def announced(chosen: Chosen, how: str, now: datetime) -> tuple[str, ...]:
    """Return what is played, and how long the whole of it takes."""
    design = chosen.design
    looks = ", ".join(map(str, design.looks))
    switches = f", {chosen.changes} switches of {design.switch_s:.0f} s" if design.switch_s else ""
    ends = now + timedelta(seconds=chosen.most_s)
    first = f" ({minutes(chosen.first_look_s)} if the first look decides)" if len(design.looks) > 1 else ""
    blocks = f"up to {design.pairs} pairs of blocks of {design.block_s:.0f} s, of each the first {design.skip_s:.0f} s"
    about = f"from now on this takes about {minutes(chosen.about_s)} minutes{first}, and at most"
    return (
        f"{how}: {blocks} aren't judged{switches}; looks after {looks} pairs",
        f"{about} {minutes(chosen.most_s)}: no pair is begun that may last beyond {ends:%H:%M} UTC",
    )
