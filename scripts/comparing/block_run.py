"""Playing one block as an ordinary run, by everything that a run is checked and guarded by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from loadtests.comparison.job import BlockEntry, Variant
from loadtests.guardrails.lease import Lease
from loadtests.results.inputs import Inputs
from scripts.comparing.blocks import block_inputs
from scripts.comparing.one_at_a_time import BlockStopped
from scripts.context import Context
from scripts.running.finished_run import FinishedRun
from scripts.running.judging import invalid_because
from scripts.running.lifecycle import Setting, perform
from slo.outcomes import EnvironmentLacks
from slo.regression.design import Design
from slo.validity.outside import Reason, causes_outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Where a release of the comparison is measured, and the lease that is held there for the whole of it."""

    inputs: Inputs
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRuns:
    """Plays blocks; `releases` returns what the release that is up must name itself in the run."""

    sides: Mapping[Variant, Side]
    design: Design
    setting: Setting
    releases: Callable[[Variant], str | None]
    context: Context

    def play(self, variant: Variant, pair: int) -> BlockEntry:
        """Play one block; raises BlockStopped when its run was stopped, EnvironmentLacks when it couldn't be played.

        A person or a signal that ends it is a KeyboardInterrupt, as it is between the blocks.
        """
        side, design = self.sides[variant], self.design
        self.context.say(f"pair {pair} of at most {design.pairs}, {variant.upper()}")
        inputs = block_inputs(side.inputs, design.block_s, design.skip_s, pair)
        finished = perform(inputs, self._setting(variant, side), self._quiet())
        if finished.is_interrupted:
            raise KeyboardInterrupt
        return _entry(finished, variant, pair, design)

    def _setting(self, variant: Variant, side: Side) -> Setting:
        release = self.releases(variant)
        expected = () if release is None else (release,)
        return replace(self.setting, lease=side.lease, stops_early=False, releases_expected=expected)

    def _quiet(self) -> Context:
        """Return the context with what is told of each run left out, but for warnings: there are many."""

        def say(line: str) -> None:
            if line.startswith("stopping:"):
                self.context.say(line)

        return self.context if self.context.is_terminal else replace(self.context, say=say)


def _entry(finished: FinishedRun, variant: Variant, pair: int, design: Design) -> BlockEntry:
    run = finished.run
    if run.ended == "stopped":
        raise BlockStopped(run.ended_because or "no reason recorded")
    if run.started_at is None:
        raise EnvironmentLacks(f"{finished.directory.name}: no load was played: {run.ended_because}")
    invalid = invalid_because(finished.directory.path)
    return BlockEntry(
        pair=pair,
        variant=variant,
        run=finished.directory.name,
        starts_at=run.started_at,
        ends_at=run.started_at + round(design.block_s * 1e9),
        release=None if run.release is None else run.release.before,
        invalid_because="; ".join(one.message for one in invalid) or None,
        outside=causes_outside([Reason(check=one.subject, known=one.known) for one in invalid]),
    )
