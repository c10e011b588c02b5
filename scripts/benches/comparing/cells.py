"""A cell of the table: releases of known truth, compared many times; what came of it, and what must come of it."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np

import slo.regression
from scripts.benches.figures import Figure

Op = Literal["<=", ">="]
_HEAD = ("releases", "jobs", "FAIL %", "PASS %", "open %", "± at most", "minutes", "Welch FAIL %", "PASS %", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of a cell's jobs: shares of verdicts, the median minutes to one, and Welch's shares beside, if any."""

    jobs: int
    fail: float
    passed: float
    minutes: float
    welch_fail: float | None = None
    welch_passed: float | None = None

    @property
    def open(self) -> float:
        """The share of INCONCLUSIVE."""
        return 1 - self.fail - self.passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a cell must reach: `of` is a share of its tally (`fail`, `passed`, `open`) or `minutes`."""

    of: Literal["fail", "passed", "open", "minutes"]
    op: Op
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Releases and a design; `play` gets a generator of random numbers and the number of jobs, and is picklable.

    `tags` are what figures over several cells are put together by.
    """

    row: str
    name: str
    play: Callable[[np.random.Generator, int], Tally]
    bounds: tuple[Bound, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A cell and what came of it."""

    cell: Cell
    tally: Tally

    def figures(self) -> list[Figure]:
        """Return its bounds as figures of the house's benches; one without a bound is printed for its FAILs."""
        bounds: Sequence[Bound | None] = self.cell.bounds or (None,)
        return [self._figure(bound) for bound in bounds]

    def _figure(self, bound: Bound | None) -> Figure:
        of = bound.of if bound else "fail"
        value = float(getattr(self.tally, of))
        return Figure(
            name=f"{self.cell.row}: {self.cell.name}: {of}",
            value=value,
            op=bound.op if bound else None,
            bound=bound.value if bound else None,
            runs=(value,),
            on=", ".join(f"{name} {value:.4g}" for name, value in asdict(self.tally).items() if value is not None),
        )


def measure(cell: Cell, seed: int, jobs: int) -> Played:
    """Play a cell; the same seed gives the same, whatever other cells are played."""
    rng = np.random.default_rng([seed, zlib.crc32(key(cell).encode())])
    return Played(cell=cell, tally=cell.play(rng, jobs))


def key(cell: Cell) -> str:
    """Return the name under which a cell is stored."""
    return f"{cell.row}: {cell.name}"


def code_hash() -> str:
    """Return a hash of the rule and of the simulation: what was played under another isn't used again."""
    folders = (Path(slo.regression.__path__[0]), Path(__file__).parent)
    files = sorted(path for folder in folders for path in folder.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def table(played: Sequence[Played]) -> str:
    """Return the table, a heading a row of figures and a line a cell."""
    lines = [_HEAD, *(_line(one) for one in played)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    out, row = [_aligned(_HEAD, widths)], ""
    for one, line in zip(played, lines[1:], strict=True):
        out += ["", one.cell.row] if one.cell.row != row else []
        out.append(_aligned(line, widths))
        row = one.cell.row
    return "\n".join(out)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures, note = line
    right = (figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True))
    return "  ".join((name.ljust(widths[0]), *right, note)).rstrip()


def _line(one: Played) -> tuple[str, ...]:
    tally = one.tally
    error = max(sqrt(share * (1 - share) / tally.jobs) for share in (tally.fail, tally.passed))
    missed = [figure for figure in one.figures() if not figure.holds]
    said = "MISSED: " + ", ".join(f"{figure.op} {figure.bound:g}" for figure in missed) if missed else ""
    return (
        f"  {one.cell.name}",
        f"{tally.jobs}",
        f"{100 * tally.fail:.2f}",
        f"{100 * tally.passed:.2f}",
        f"{100 * tally.open:.2f}",
        f"{100 * error:.2f}",
        f"{tally.minutes:g}",
        "" if tally.welch_fail is None else f"{100 * tally.welch_fail:.1f}",
        "" if tally.welch_passed is None else f"{100 * tally.welch_passed:.1f}",
        said or ("holds" if one.cell.bounds else ""),
    )
