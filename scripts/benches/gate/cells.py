"""A cell of the table: a shop, a run and what may come of it how often; what came of it; and the table itself."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

import numpy as np

from scripts.benches.figures import Figure

FULL_RUNS = 2000
_HEAD = ("shop", "runs", "PASS", "FAIL", "INCONCL.", "scored", "%", "± %", "bound", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of a cell's runs: shares by name, PASS, FAIL and INCONCLUSIVE among them, and a note for people."""

    runs: int
    shares: Mapping[str, float]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A shop and a run; the share `scored` must be within `bound`, or is printed only.

    `play` is called with a generator of random numbers and the number of runs, and must be picklable.
    """

    row: str
    name: str
    scored: str
    op: Literal["<=", ">="] | None
    bound: float | None
    play: Callable[[np.random.Generator, int], Tally]
    runs: int = FULL_RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A cell and what came of it."""

    cell: Cell
    tally: Tally = field(repr=False)

    @property
    def value(self) -> float:
        """Return the scored share."""
        return self.tally.shares[self.cell.scored]

    @property
    def standard_error(self) -> float:
        """Return the standard error of the scored share."""
        share = min(1.0, abs(self.value))
        return sqrt(share * (1 - share) / self.tally.runs)

    def figure(self) -> Figure:
        """Return it as a figure of the house's benches."""
        shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in self.tally.shares.items())
        return Figure(
            name=f"{self.cell.row}: {self.cell.name}: {self.cell.scored}",
            value=self.value,
            op=self.cell.op,
            bound=self.cell.bound,
            runs=(self.value,),
            on=f"{self.tally.runs} runs, ± {100 * self.standard_error:.2f} %: {shares}; {self.tally.note}".rstrip("; "),
        )


def measure(cell: Cell, seed: int, runs: int | None) -> Scored:
    """Play a cell; the same seed gives the same, whatever other cells are played."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{cell.row}: {cell.name}".encode())])
    return Scored(cell=cell, tally=cell.play(rng, runs or cell.runs))


def table(scored: Sequence[Scored]) -> str:
    """Return the table, a heading for each row of the issue's and a line for each cell."""
    lines = [_HEAD, *(_line(one) for one in scored)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    head, *texts = [_aligned(line, widths) for line in lines]
    out, row = [head], ""
    for one, text in zip(scored, texts, strict=True):
        out += ["", one.cell.row] if one.cell.row != row else []
        out.append(text)
        row = one.cell.row
    return "\n".join(out)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """Return names and notes flush left, figures flush right."""
    name, *figures, note = line
    right = (figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True))
    return "  ".join((name.ljust(widths[0]), *right, note)).rstrip()


def _line(one: Scored) -> tuple[str, ...]:
    cell, shares = one.cell, one.tally.shares
    endings = (f"{100 * shares[name]:.1f}" for name in ("PASS", "FAIL", "INCONCLUSIVE"))
    bound = "" if cell.bound is None else f"{cell.op} {100 * cell.bound:g}"
    holds = "" if cell.bound is None else "holds" if one.figure().holds else "MISSED"
    return (
        f"  {cell.name}",
        f"{one.tally.runs}",
        *endings,
        cell.scored,
        f"{100 * one.value:.2f}",
        f"{100 * one.standard_error:.2f}",
        bound,
        holds,
        one.tally.note,
    )
