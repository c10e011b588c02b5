"""The live view: `live.json` as a table that is redrawn in a terminal, or as a line every 10 s elsewhere."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from loadtests.results.live_document import Criterion, Errors, LiveDocument, read_live
from slo.documents import BadInput

_LINE_EVERY_S = 10.0
_BAR = 40


def read_snapshot(path: Path) -> LiveDocument | None:
    """Return the live snapshot, None before the first."""
    try:
        return read_live(path)
    except BadInput:
        return None


class TerminalView:
    """Shows snapshots; `say` prints a line where there is no terminal, `hint` names the keys there are."""

    def __init__(self, say: Callable[[str], None], *, is_terminal: bool, hint: str = "") -> None:
        self._say, self._hint = say, hint
        self._live = Live(console=Console(), auto_refresh=False, transient=True) if is_terminal else None
        self._said_at = -_LINE_EVERY_S
        self._phase = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: LiveDocument) -> None:
        """Show one snapshot."""
        if self._live is not None:
            self._live.update(Group(screen(snapshot), _below(snapshot, self._hint)), refresh=True)
            return
        if snapshot.phase != self._phase or snapshot.elapsed_s - self._said_at >= _LINE_EVERY_S:
            self._phase, self._said_at = snapshot.phase, snapshot.elapsed_s
            self._say(line(snapshot))


def line(snapshot: LiveDocument) -> str:
    """Return a snapshot as one line."""
    achieved, latency = snapshot.achieved, snapshot.latency_s
    return (
        f"{snapshot.elapsed_s:5.0f} s  {snapshot.phase:<9}"
        f"  sessions/s {achieved.sessions_per_s:5.1f} of {snapshot.planned.sessions_per_s:5.1f} planned"
        f"  {achieved.requests_per_s:6.1f} requests/s"
        f"  p50 {_ms(latency.p50)}  p95 {_ms(latency.p95)}  p99 {_ms(latency.p99)}"
        f"  errors {snapshot.errors.total}"
        f"  orders/min {snapshot.orders.per_minute:.0f}"
        f"  {snapshot.left_s:.0f} s left{_changed(snapshot)}{_beyond_now(snapshot)}"
    )


def _beyond_now(snapshot: LiveDocument) -> str:
    names = ", ".join(one.name for one in snapshot.criteria if one.beyond)
    return f"  beyond: {names}" if names else ""


def screen(snapshot: LiveDocument) -> Table:
    """Return a snapshot as a small table for a terminal."""
    achieved, latency, errors, planned = snapshot.achieved, snapshot.latency_s, snapshot.errors, snapshot.planned
    table = Table.grid(padding=(0, 2))
    table.add_row("phase", f"[bold]{snapshot.phase}[/]", _progress(snapshot), f"{snapshot.left_s:.0f} s left")
    table.add_row(
        "sessions/s",
        f"[bold]{achieved.sessions_per_s:.1f}[/]",
        f"planned {planned.sessions_per_s:.1f}{_changed(snapshot)}",
        f"{achieved.open_sessions} open, {achieved.sessions_total} of {planned.sessions_total} due started",
    )
    table.add_row(
        "requests/s",
        f"[bold]{achieved.requests_per_s:.1f}[/]",
        f"{achieved.requests_total} sent",
        f"{snapshot.orders.per_minute:.0f} orders a minute",
    )
    table.add_row(
        "latency",
        f"p50 [bold]{_ms(latency.p50)}[/]",
        f"p95 [bold]{_ms(latency.p95)}[/]",
        f"p99 [bold]{_ms(latency.p99)}[/]  from the scheduled start, last 10 s",
    )
    table.add_row("errors", _errors(errors), f"{errors.per_s:.1f} a second", _by_step(errors.by_step))
    for objective in snapshot.objectives:
        share = objective.bad / objective.total if objective.total else 0.0
        state = "[red]certain to be missed[/]" if objective.certain_breach else ""
        counts = f"{objective.bad} bad of {objective.total}"
        table.add_row(Text(objective.name, style="dim"), f"{share:.2%}", counts, state)
    for criterion in snapshot.criteria:
        table.add_row(Text(criterion.name, style="dim"), _share(criterion), Text(criterion.says), _beyond(criterion))
    return table


def _share(criterion: Criterion) -> str:
    return "–" if criterion.value is None else f"{criterion.value:.2%}"


def _beyond(criterion: Criterion) -> str:
    """Return whether the last window is beyond its limit, and how many were; the verdict says what comes of it."""
    if not criterion.beyond_s:
        return ""
    word = "[red]beyond[/]" if criterion.beyond else "was beyond"
    return f"{word}, for {criterion.beyond_s} s so far" + ("" if criterion.enforce else " (advisory)")


def _below(snapshot: LiveDocument, hint: str) -> Text:
    """Return the answer to the last requested change, and the keys there are."""
    return Text("\n".join(line for line in (snapshot.message, hint) if line), style="dim")


def _changed(snapshot: LiveDocument) -> str:
    """Return what is played instead of the plan, nothing when it is the plan."""
    factor = snapshot.factor
    return "" if factor == 1 else "  paused" if factor == 0 else f"  {factor:g} x the plan"


def _progress(snapshot: LiveDocument) -> str:
    whole = snapshot.elapsed_s + snapshot.left_s
    done = round(_BAR * snapshot.elapsed_s / whole) if whole else 0
    return "━" * min(_BAR, done) + "[dim]" + "━" * max(0, _BAR - done) + "[/]"


def _errors(errors: Errors) -> str:
    return f"[red]{errors.total}[/]" if errors.total else "0"


def _by_step(by_step: Mapping[str, Mapping[str, int]]) -> str:
    shown = [f"{step} {error} {count}" for step, errors in by_step.items() for error, count in errors.items()]
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "")  # noqa: PLR2004 - what fits a line


def _ms(value: float | None) -> str:
    return "   –  " if value is None else f"{value * 1000:.0f} ms"
