"""Every parser at length: batches in processes, what they found kept, what was done known when it is started again."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtests.results.run_directory import write_json
from tests.fuzzing.batch import Batch, Found, Mapped, Tally, run
from tests.fuzzing.mutation import shrunk
from tests.fuzzing.parser import ALARM_S, HANG, Parser, kind_of, why_wrong
from tests.fuzzing.scratch import fresh_scratch

_FIRST_INPUTS = 1000
_BATCH_CPU_S, _LONGEST_CPU_S = 5.0, 30.0
_LOOK_S = 0.2
_LONGEST_SHRINKING_S = 600.0
ENDED, HELD = "its process ended", f"{HANG} the time, and its process held"
_FORKS = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class Failure:
    """A kind of failure: the first input of it in the corpus, and whether the parser does no more so."""

    file: str
    mended: bool = False


@dataclass(slots=True, kw_only=True)
class Counted(Tally):
    """What was done with a parser so far; `failures` by kind."""

    failures: dict[str, Failure] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The kinds of failure that aren't mended."""
        return tuple(kind for kind, failure in self.failures.items() if not failure.mended)

    @property
    def input_s(self) -> float:
        """What an input costs, in seconds of CPU; 0 as long as it isn't known."""
        return self.cpu_s / self.inputs if self.inputs else 0.0


@dataclass(slots=True, kw_only=True)
class LongRun:
    """A run over `parsers`, `wanted` inputs each; `folder` holds what was done. `say` is told of failures."""

    parsers: Mapping[str, Parser]
    wanted: int
    folder: Path
    say: Callable[[str], None]
    alarm_s: float = ALARM_S
    counted: dict[str, Counted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what was done, and try again what failed."""
        state = self.folder / "state.json"
        known: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
        for name, parser in self.parsers.items():
            one = known.get(name, {})
            failures = {kind: Failure(**failure) for kind, failure in one.pop("failures", {}).items()}
            self.counted[name] = Counted(**one, failures=failures)
            for kind in self.counted[name].open:
                kept = parser.folder / failures[kind].file  # one that was taken out is looked for anew
                failures[kind].mended = (
                    not kept.exists() or _why_in_process(parser, kept.read_bytes(), self.alarm_s) is None
                )

    def batches(self, ends_at: float) -> Iterator[None]:
        """Run batches, those of the cheapest parser first, until `ends_at` of the monotonic clock or all is done."""
        while time.monotonic() < ends_at and (left := self._left()):
            name = min(left, key=lambda one: self.counted[one].input_s)
            self._batch(self.parsers[name], self.counted[name])
            self.folder.mkdir(parents=True, exist_ok=True)
            others = json.loads(text) if (text := _text(self.folder / "state.json")) else {}
            write_json(self.folder / "state.json", others | {one: asdict(of) for one, of in self.counted.items()})
            yield

    @property
    def is_whole(self) -> bool:
        """Whether each parser had its inputs, and none fails."""
        return all(one.inputs >= self.wanted and not one.open for one in self.counted.values())

    def _left(self) -> Sequence[str]:
        """Return the parsers that lack inputs, but for those that fail: they wait until they are mended."""
        return [name for name, one in self.counted.items() if one.inputs < self.wanted and not one.open]

    def _batch(self, parser: Parser, counted: Counted) -> None:
        size = round(_BATCH_CPU_S / counted.input_s) if counted.input_s else _FIRST_INPUTS
        batch = Batch(
            parser=parser,
            seed=f"{parser.name} {counted.inputs}",
            inputs=min(size, self.wanted - counted.inputs),
            cpu_s=_LONGEST_CPU_S,
            alarm_s=self.alarm_s,
            folder=self.folder / parser.name,
            parent=os.getpid(),
        )
        found = _found(batch)
        counted.add(found)
        for kind, data in found.wrong.items():
            self._keep(parser, counted, kind, bytes.fromhex(data))

    def _keep(self, parser: Parser, counted: Counted, kind: str, data: bytes) -> None:
        """Shrink a failing input and write it into the corpus, unless its kind is known and isn't mended."""
        if kind in counted.open:
            return
        path = parser.keep(_shrunk(parser, kind, data, self.alarm_s))
        counted.failures[kind] = Failure(file=path.name)
        self.say(f"{parser.name}: {kind} ({path})")


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _found(batch: Batch) -> Found:
    """Run a batch in a process; one that ends or holds it is a failure itself, of its last input."""
    with fresh_scratch() as folder, Mapped(folder / "input") as mapped:
        answer = folder / "found.json"
        ended = _is_ended(lambda: run(batch, mapped, answer), lambda: mapped.number, 4 * batch.alarm_s)
        if answer.exists():
            return Found(**json.loads(answer.read_bytes()))
        return Found(inputs=1, wrong={ENDED if ended else HELD: mapped.data.hex()})


def _is_ended(work: Callable[[], object], progress: Callable[[], int], longest_s: float) -> bool:
    """Have a forked process do the work; it is killed, and False returned, when `progress` stands for too long."""
    with _forked(work) as process:
        last, since = progress(), time.monotonic()
        while process.is_alive():
            process.join(_LOOK_S)
            now = progress()
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > longest_s:
                return False
        if process.exitcode == 1:  # an exception that no parser raised: its own are caught
            raise RuntimeError("the fuzzer itself failed, see above")
    return True


@contextmanager
def _forked(work: Callable[[], object]) -> Iterator[Any]:
    process = _FORKS.Process(target=work)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _told(work: Callable[[], object], longest_s: float) -> Any:
    """Return what work in a process returns, as JSON holds it; ENDED where it ends that, HELD where it holds it."""
    with fresh_scratch() as folder:
        answer = folder / "answer.json"
        ended = _is_ended(lambda: write_json(answer, {"is": work()}), lambda: 0, longest_s)
        if answer.exists():
            return json.loads(answer.read_bytes())["is"]
        return ENDED if ended else HELD


def _why_in_process(parser: Parser, data: bytes, alarm_s: float) -> str | None:
    why: str | None = _told(lambda: why_wrong(parser, data, alarm_s), 4 * alarm_s)
    return why


def _shrunk(parser: Parser, kind: str, data: bytes, alarm_s: float) -> bytes:
    """Return a shorter input that fails in the same kind."""
    if kind in (ENDED, HELD):
        alarm_s = alarm_s if kind == ENDED else alarm_s / 10
        return shrunk(data, lambda one: _why_in_process(parser, one, alarm_s) == kind, most_tries=60)
    told = _told(lambda: _shrunk_here(parser, kind, data, alarm_s).hex(), _LONGEST_SHRINKING_S)
    return data if told in (ENDED, HELD) else bytes.fromhex(told)


def _shrunk_here(parser: Parser, kind: str, data: bytes, alarm_s: float) -> bytes:
    """Shrink what fails without ending its process; each try at a hang waits for a tenth of the alarm."""
    if not kind.startswith(HANG):
        return shrunk(data, lambda one: kind_of(why_wrong(parser, one, alarm_s) or "") == kind)
    brief = alarm_s / 10
    shorter = shrunk(data, lambda one: (why_wrong(parser, one, brief) or "").startswith(HANG), most_tries=100)
    return shorter if (why_wrong(parser, shorter, alarm_s) or "").startswith(HANG) else data
