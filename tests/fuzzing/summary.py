"""What `make fuzz` has done, as a table for people and as figures for programs."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scripts.benches.figures import Figure, machine_line, write_figures
from tests.fuzzing.long_run import Counted
from tests.fuzzing.parser import HANG, MESSAGE


def write_summary(path: Path, counted: Mapping[str, Counted], wanted: int) -> None:
    """Write the figures of each parser: its inputs, tracebacks, hangs, and messages that no terminal can take."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = [figure for name, one in counted.items() for figure in _figures(name, one, wanted)]
    write_figures(path, machine_line(), f'make fuzz ARGUMENTS="--inputs {wanted}"', figures)


def _figures(name: str, one: Counted, wanted: int) -> Iterator[Figure]:
    mended = sum(failure.mended for failure in one.failures.values())
    on = f"{one.taken / max(1, one.inputs):.1%} taken, the others refused; {mended} kinds of failure mended since"
    yield Figure(name=f"inputs of {name}", value=one.inputs, op=">=", bound=wanted, runs=(one.inputs,), on=on)
    for failure, number in failures_of(one).items():
        yield Figure(name=f"{failure} of {name}", value=number, op="==", bound=0, runs=(number,), on="kinds not mended")


def failures_of(one: Counted) -> Mapping[str, int]:
    """Return how many kinds of failure of each sort aren't mended; what ends the process counts as a traceback."""
    hangs = sum(kind.startswith(HANG) for kind in one.open)
    messages = sum(kind.startswith(MESSAGE) for kind in one.open)
    return {"tracebacks": len(one.open) - hangs - messages, "hangs": hangs, "unshowable messages": messages}


def table(counted: Mapping[str, Counted]) -> Iterable[str]:
    """Yield the lines of the table: for each parser what was done, what it cost, and what it fails on."""
    yield f"{'parser':24} {'inputs':>8} {'taken':>6} {'µs each':>8} {'slowest':>8}  tracebacks  hangs  messages"
    for name, one in counted.items():
        tracebacks, hangs, messages = failures_of(one).values()
        taken = one.taken / max(1, one.inputs)
        yield (
            f"{name:24} {one.inputs:>8,} {taken:>6.1%} {one.input_s * 1e6:>8,.0f} {one.slowest_s * 1000:>5,.0f} ms"
            f"  {tracebacks:>10}  {hangs:>5}  {messages:>8}"
        )
    inputs, cpu_h = sum(one.inputs for one in counted.values()), sum(one.cpu_s for one in counted.values()) / 3600
    yield f"{len(counted)} parsers, {inputs:,} inputs, {cpu_h:.2f} hours of CPU"
