"""What goes on beside a run that holds a whole comparison: both releases are asked who they are, looks are taken."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from loadtests.comparison.compared import Compared
from loadtests.comparison.job import BlockEntry
from loadtests.comparison.observations import observe
from loadtests.comparison.turns import Turns
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from scripts.comparing.asked import Asked
from scripts.comparing.one_at_a_time import JobFile
from scripts.comparing.release_probes import EVERY_S, ReleaseProbes
from scripts.context import Context
from scripts.running.guards import check_environment
from slo.documents import BadInput
from slo.regression.comparison import compare
from slo.regression.settings import ComparisonSettings

SETTLE_S = 42.0
"""How long after a block's end a look is taken: a reply is waited for 30 s, and a part of records closes after 10."""
_LOOK_EVERY_S = 1.0
_NS = 1_000_000_000
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
