"""What a benchmark or a proof found: figures with their bounds, the table for people, the file for programs."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from loadtests.results.run_directory import write_json

_HOLDS = {
    ">=": lambda value, bound: value >= bound,
    "<=": lambda value, bound: value <= bound,
    "==": lambda value, bound: value == bound,
}
_HEAD = ("figure", "value", "bound", "", "runs", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure: its value, what it must reach, the runs behind it, and what was switched on.

    One without a bound has neither `op` nor `bound`, and holds.
    """

    name: str
    value: float
    op: Literal[">=", "<=", "=="] | None
    bound: float | None
    runs: Sequence[float]
    on: str

    @property
    def holds(self) -> bool:
        """Whether the value is within its bound."""
        return self.op is None or bool(_HOLDS[self.op](self.value, self.bound))


def median_figure(name: str, runs: Sequence[float], op: Literal[">=", "<="], bound: float, on: str) -> Figure:
    """Return the figure whose value is the median of its runs; raises ValueError without one."""
    if not runs:
        raise ValueError(f"{name}: no run")
    return Figure(name=name, value=statistics.median(runs), op=op, bound=bound, runs=tuple(runs), on=on)


def unbounded_figure(name: str, runs: Sequence[float], on: str) -> Figure:
    """Return the median of the runs as a figure without a bound; raises ValueError without a run."""
    return replace(median_figure(name, runs, "<=", 0.0, on), op=None, bound=None)


def machine_line(*notes: str) -> str:
    """Return what the figures were measured on: processor, cores, Python, and `notes`."""
    return ", ".join([platform.machine(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *notes])


def write_figures(path: Path, machine: str, command: str, figures: Sequence[Figure]) -> None:
    """Write `build/bench/<name>.json`."""
    rows = [asdict(figure) for figure in figures]
    write_json(path, {"machine": machine, "command": command, "figures": rows})


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as an aligned table, a line each, with every run."""
    rows = [_HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def missed(figures: Sequence[Figure]) -> tuple[str, ...]:
    """Return the figures that aren't within their bounds, a line each."""
    return tuple(f"{f.name}: {_number(f.value)}, must be {_bound(f)}" for f in figures if not f.holds)


def _row(figure: Figure) -> tuple[str, ...]:
    runs = " ".join(_number(run) for run in figure.runs)
    holds = "" if figure.op is None else "holds" if figure.holds else "MISSED"
    return figure.name, _number(figure.value), _bound(figure), holds, runs, figure.on


def _bound(figure: Figure) -> str:
    return "no bound" if figure.bound is None else f"{figure.op} {_number(figure.bound)}"


def _number(value: float) -> str:
    return f"{value:.4g}"
