"""A batch of inputs for one parser, as a process: `python -m tests.fuzzing.batch PARSER SEED INPUTS SCRATCH`.

It writes each input into the scratch file before it is parsed: that one is known which ends the process. It prints what
it found as a line of JSON. Inputs that reach lines of ours that no input before reached are mutated further.
"""

import faulthandler
import json
import mmap
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

from tests.fuzzing.mutation import mutated
from tests.fuzzing.parser import ALARM_S, Parser, kind_of, why_wrong
from tests.fuzzing.table import PARSERS

SCRATCH_BYTES = 1 << 20
_HEAD = 8
_MEMORY = 4 << 30
_TRACED_EACH = 20
_MOST_KEPT = 500
_MOST_WRONG = 20
_LONGEST_CPU_S = 60.0
_ROOT = str(Path(__file__).parents[2])


def main(name: str, seed: int, inputs: int, scratch: Path) -> None:
    """Run one batch and print what it found."""
    if sys.platform == "linux":  # elsewhere more than that is reserved already, and the call fails
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    parser = PARSERS[name]
    wrong: dict[str, str] = {}
    slowest_s, slowest = 0.0, b""
    began, kept, made = time.process_time(), 0, 0
    random = Random(seed)  # noqa: S311 - the same inputs again, not secret ones
    with scratch.open("r+b") as file, mmap.mmap(file.fileno(), SCRATCH_BYTES) as held:
        for data, kept in _inputs(parser, random, inputs):  # noqa: B007 - the last one counts
            held[:_HEAD] = len(data).to_bytes(_HEAD, "big")
            held[_HEAD : _HEAD + len(data)] = data
            faulthandler.dump_traceback_later(4 * ALARM_S, exit=True)  # what holds the interpreter ends the process
            at = time.thread_time()
            why = why_wrong(parser, data)
            took_s = time.thread_time() - at
            if took_s > slowest_s:
                slowest_s, slowest = took_s, data
            if why is not None and len(wrong) < _MOST_WRONG:
                wrong.setdefault(kind_of(why), data.hex())
            made += 1
            if time.process_time() - began > _LONGEST_CPU_S:
                break
    faulthandler.cancel_dump_traceback_later()
    found = {
        "inputs": made,
        "cpu_s": time.process_time() - began,
        "slowest_s": slowest_s,
        "slowest": slowest.hex(),
        "kept": kept,
    }
    print(json.dumps({**found, "wrong": wrong}))  # noqa: T201 - for the process that started it


def held_in(scratch: Path) -> bytes:
    """Return the input that a batch parsed last."""
    data = scratch.read_bytes()
    return data[_HEAD : _HEAD + int.from_bytes(data[:_HEAD], "big")]


def _inputs(parser: Parser, random: Random, inputs: int) -> Iterator[tuple[bytes, int]]:
    """Yield each input with how many were kept because they reached something new."""
    pool, seen = [*parser.seeds, *parser.corpus()], set[tuple[CodeType, int]]()
    first = len(pool)
    for number in range(inputs):
        data = mutated(random, pool, parser.tokens, parser.most_bytes)
        if number % _TRACED_EACH == 0 and len(pool) < first + _MOST_KEPT and _reached(parser, data, seen):
            pool.append(data)
        yield data, len(pool) - first


def _reached(parser: Parser, data: bytes, seen: set[tuple[CodeType, int]]) -> bool:
    """Whether an input reaches lines of ours that aren't in `seen`, to which they are added."""
    before = len(seen)

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        return line if file.startswith(_ROOT) and "site-packages" not in file else None

    sys.settrace(call)
    try:
        why_wrong(parser, data)
    finally:
        sys.settrace(None)
    return len(seen) > before


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
