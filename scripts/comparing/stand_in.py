"""Two releases of the stand-in shop, compared in one run: its admin API puts the other one up at the edge of a block.

Sessions that straddle an edge began in a block of the other release, so nothing of them is counted behind it.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.comparison.job import BlockEntry, Variant, VariantEntry
from loadtests.comparison.turns import Turns
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.results.inputs import Inputs
from loadtests.results.run_directory import RunDirectory
from scripts.comparing.asked import Asked
from scripts.comparing.both_up import BothUp
from scripts.comparing.one_at_a_time import JobFile
from scripts.comparing.one_run import TwoInOneRun, play_in_one_run
from scripts.comparing.release_probes import ReleaseProbes
from scripts.context import Context
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import RELEASES, TOKEN_VARIABLE, Shop, start_shop, used_ports
from scripts.running.read_inputs import read_inputs
from slo.documents import BadInput

ENVIRONMENT = "stand-in"
_EVERY_S = 0.1
_NS = 1_000_000_000


@dataclass(kw_only=True)
class Switched(ReleaseProbes):
    """When each release was put up; a block in whose judged time the other one was still up doesn't count."""

    skip_s: float
    versions: Mapping[Variant, str]
    ups: list[tuple[int, Variant]] = field(default_factory=list)

    def told(self, block: BlockEntry) -> BlockEntry:
        """Return the block with the release that was up in it."""
        since = block.starts_at + round(self.skip_s * _NS)
        up = [variant for at, variant in self.ups if at <= since][-1:]
        during = {variant for at, variant in self.ups if since < at < block.ends_at}
        named = block.model_copy(update={"release": self.versions[block.variant]})
        if {*up, *during} != {block.variant}:
            return named.model_copy(update={"invalid_because": "the other release was up in it"})
        return named


@dataclass(kw_only=True)
class Switching:
    """What goes on beside the run: releases are put up by turns, and looks are taken."""

    both: BothUp
    shop: Shop
    releases: Mapping[Variant, str]
    ups: Switched
    turns: Turns | None = None
    _thread: WatchThread | None = None
    _block: int = -1

    def check(self, _resolved: ResolvedEnvironment) -> None:
        """Put A up before the load."""
        self._put_up("a")

    def beside(self, resolved: ResolvedEnvironment, directory: RunDirectory) -> AbstractContextManager[object]:
        """Return what goes on beside the load."""
        return self._going_on(resolved, directory)

    @contextmanager
    def _going_on(self, resolved: ResolvedEnvironment, directory: RunDirectory) -> Iterator[None]:
        self._thread = WatchThread("releases of the stand-in", _EVERY_S, self._switch)
        with self.both.beside(resolved, directory), self._thread:
            yield

    def why_stop(self, started_at: int) -> str | None:
        """Return what a look has decided, or why no release can be put up any more."""
        why = self.both.why_stop(started_at)
        return why if self._thread is None else why or self._thread.failed

    def _switch(self) -> None:
        """Put up the release of the block that goes on, once at its beginning."""
        if self.both.started_at is None:
            return
        turns, at_s = self.both.turns, (self.both.clock.now() - self.both.started_at) / _NS
        block = sum(start_s <= at_s for start_s in turns.starts_s()) - 1
        if block > self._block:
            self._block = block
            self._put_up("a" if turns.order[block] == "a" else "b")

    def _put_up(self, variant: Variant) -> None:
        if not self.ups.ups or self.ups.ups[-1][1] != variant:
            self.shop.set_release(self.releases[variant])
            self.ups.ups.append((self.both.clock.now(), variant))


def compare_stand_in(asked: Asked, releases: tuple[str, str], context: Context) -> JobFile:
    """Start the stand-in, compare two of its releases (or one with itself), and end it.

    The environment and the targets file of `asked` are the stand-in's own. Raises BadInput, EnvironmentLacks.
    """
    for one in releases:
        if one not in RELEASES:
            raise BadInput(f"--stand-in: no release {one!r}; there are: {', '.join(RELEASES)}")
    asked.ports.check_free(used_ports(asked.ports))
    with (
        tempfile.TemporaryDirectory(prefix="peakproof-compare-") as folder,
        Children(Path(folder) / "logs") as children,
    ):
        context.say("starting the stand-in shop: payment provider, two replicas, front")
        shop = start_shop(children, Path(folder), asked.ports, releases[0], context.environment)
        own = replace(
            context, environment={**context.environment, TOKEN_VARIABLE: shop.token}, say=_without_switches(context.say)
        )
        targets = shop.write_targets(Path(folder), ENVIRONMENT)
        asked = replace(asked, targets=targets, on=ENVIRONMENT, same=releases[0] == releases[1])
        inputs = read_inputs(asked.plan, asked.objectives, targets, ENVIRONMENT)
        return play_releases(asked, inputs, shop, {"a": releases[0], "b": releases[1]}, own)


def _without_switches(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return what says all but that the release changed: here it does so on purpose."""
    return lambda line: None if line.startswith("the release changed from ") else say(line)


def play_releases(
    asked: Asked, inputs: Inputs, shop: Shop, releases: Mapping[Variant, str], context: Context
) -> JobFile:
    """Play one run in which the releases of a running stand-in take turns, with looks while it goes on."""
    b = shop.set_release(releases["b"])
    versions: dict[Variant, str] = {"a": shop.set_release(releases["a"]), "b": b}

    def beside(both: BothUp) -> Switching:
        ups = Switched(now=both.clock.now, skip_s=both.file.job.design.skip_s, versions=versions)
        both.probes = ups
        return Switching(both=both, shop=shop, releases=releases, ups=ups)

    two = TwoInOneRun(
        how="releases",
        a=VariantEntry(variant="a", label=releases["a"], release=versions["a"]),
        b=VariantEntry(variant="b", label=releases["b"], release=versions["b"]),
        ways=f"A is {releases['a']}, B is {releases['b']}: releases of the stand-in, put up by turns in one run",
        beside=beside,
        releases_expected=tuple(dict.fromkeys(versions.values())),
    )
    return play_in_one_run(asked, inputs, two, context)
