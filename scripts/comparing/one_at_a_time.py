"""A comparison whose releases run one after the other: each block is a run of its own, between switches.

The loop knows neither how a release is put up nor how a block is played: those are a `Switcher` and a function. What
happened is in `comparison.json` after every block, so that whatever ends the command leaves it true.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtests.comparison.evidence import list_comparison
from loadtests.comparison.job import FILE, BlockEntry, ComparisonJob, Variant
from loadtests.results.run_directory import write_bytes
from scripts.comparing.time_allowed import TimeAllowed
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from slo.regression.comparison import Comparison

BY_HAND = "by hand or signal"


class Switcher(Protocol):
    """What puts releases up."""

    def put_up(self, variant: Variant) -> str | None:
        """Put a release up and wait until it can be measured; return what it names itself. Raises EnvironmentLacks."""

    def put_back(self) -> str | None:
        """Put A up again, unless it is; return what was done, None where nothing was. Never raises."""


class BlockStopped(EnvironmentLacks):
    """A block's run was ended by a guard rail, and with it the comparison."""


Play = Callable[[Variant, int], BlockEntry]
Judge = Callable[[ComparisonJob], Comparison]


@dataclass(kw_only=True)
class JobFile:
    """The comparison's document and its folder; what changes is written at once.

    Once it says how the comparison ended, the manifest lists it, and the runs that it is of.
    """

    folder: Path
    job: ComparisonJob

    def update(self, **changed: object) -> None:
        """Change the document and write it."""
        self.job = self.job.model_copy(update=changed)
        write_bytes(self.folder / FILE, self.job.model_dump_json(indent=1).encode() + b"\n")
        if self.job.ended is not None:
            list_comparison(self.folder, self.job)

    def keep_release(self, variant: Variant, release: str | None) -> None:
        """Keep what a release names itself."""
        entry = self.job.a if variant == "a" else self.job.b
        if entry.release != release:
            self.update(**{variant: entry.model_copy(update={"release": release})})

    def note(self, text: str) -> None:
        """Add what a reader must know, once."""
        if text not in self.job.notes:
            self.update(notes=(*self.job.notes, text))


@dataclass(kw_only=True)
class OneAtATime:
    """Plays the blocks of `order` in the time `allowed`; `judge` looks after the pairs that the design names."""

    file: JobFile
    order: Sequence[Variant]
    switcher: Switcher
    play: Play
    judge: Judge
    say: Callable[[str], None]
    allowed: TimeAllowed
    _up: Variant = "a"

    def perform(self) -> ComparisonJob:
        """Play to a decision or to the last pair; A is put back, and the document says how it ended.

        What a person or a signal ended, a guard rail stopped or a switch failed is an ending, not an exception; any
        other error is raised once A is back.
        """
        try:
            self._ended(*self._blocks())
        except KeyboardInterrupt:
            self._ended("stopped", BY_HAND)
        except BlockStopped as error:
            self._ended("stopped", str(error))
        except (EnvironmentLacks, BadInput) as error:
            self._ended("failed", str(error))
        except BaseException as error:
            self._ended("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            if (done := self.switcher.put_back()) is not None:
                self.file.note(done)
                self.say(done)
            self.say(f"it took: {self.allowed.said}")
        return self.file.job

    def _blocks(self) -> tuple[str, str | None]:
        looks = self.file.job.design.looks
        for number, variant in enumerate(self.order):
            pair = number // 2 + 1
            if (why := self._out_of_time(number)) is not None:
                raise BlockStopped(why)
            self._put_up(variant)
            with self.allowed.measure("blocks"):
                block = self.play(variant, pair)
            self.file.update(blocks=(*self.file.job.blocks, block))
            if block.invalid_because is not None:
                self.say(f"pair {pair}, {variant.upper()}: doesn't count: {block.invalid_because}")
            if number % 2 and (why := self._hopeless(pair)) is not None:
                raise EnvironmentLacks(why)
            if number % 2 and pair in looks:
                with self.allowed.measure("looks"):
                    comparison = self.judge(self.file.job)
                self.say(f"after {pair} pairs: {comparison.outcome.value}: {comparison.because}")
                if comparison.is_final and pair < looks[-1]:
                    return "decided", comparison.because
        return "played_out", None

    def _put_up(self, variant: Variant) -> None:
        if variant == self._up:
            release = self.switcher.put_up(variant)
        else:
            with self.allowed.measure("switches"):
                release = self.switcher.put_up(variant)
        self._up = variant
        self.file.keep_release(variant, release)

    def _out_of_time(self, number: int) -> str | None:
        """Return why block `number` isn't begun, with what is left of its pair; None when there is time for both."""
        end = number // 2 * 2 + 2
        return self.allowed.why_not(self.order[number:end], self._up, end // 2)

    def _hopeless(self, played: int) -> str | None:
        """Return why the pairs that are left can't be enough, None while they may be."""
        looks = self.file.job.design.looks
        void = {block.pair for block in self.file.job.blocks if block.invalid_because is not None}
        if looks[-1] - len(void) >= looks[0]:
            return None
        last = [block.invalid_because for block in self.file.job.blocks if block.invalid_because][-1]
        return f"{len(void)} of {played} pairs don't count, so too few are left; the last: {last}"

    def _ended(self, ended: str, because: str | None) -> None:
        self.file.update(ended=ended, because=because)
        if because is not None and ended != "decided":
            self.say(f"the comparison {'was stopped' if ended == 'stopped' else 'failed'}: {because}")
