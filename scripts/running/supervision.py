"""Supervising a run while it plays: show it, announce each phase, act on keys, and stop it when it must end."""

import time
from collections.abc import Callable

from loadtests.demand.plan import Plan
from loadtests.results.live_document import LiveDocument
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.running.guards import Watches
from scripts.running.keyboard import HINT, Keyboard, Unsuspended, apply_keys
from scripts.running.locust_processes import LocustProcesses
from scripts.running.terminal_view import TerminalView, read_snapshot
from scripts.running.what_failed import DirectoryWatch, why_hung

_LOOK_S = 0.2
_SILENT_S = 30.0  # the generator tells of itself once a second


class Supervision:
    """Follows one run; `started_at` (ns) is when its load began, None before. `on_phase` gets each phase's name.

    Once the load began, `why_enough` is asked with that time (ns) why the run may end: what it is for is known.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        context: Context,
        on_phase: Callable[[str], None],
        why_enough: Callable[[int], str | None] | None = None,
    ) -> None:
        self._why_enough = why_enough
        self._plan, self._clock, self._context, self._on_phase = plan, clock, context, on_phase
        self.started_at: int | None = None
        self._begun = 0
        self._shown = 0
        self._heard_at = time.monotonic()

    def follow(
        self, directory: RunDirectory, generator: LocustProcesses, watches: Watches, unsuspended: Unsuspended
    ) -> str | None:
        """Follow the run to its end; return why it had to be stopped, None when the generator ended by itself."""
        keyboard, there = self._context.keyboard, DirectoryWatch(directory)
        self._heard_at = time.monotonic()
        hint = HINT if keyboard is not None else ""
        with (
            TerminalView(self._context.say, is_terminal=self._context.is_terminal, hint=hint) as view,
            Keyboard(keyboard) as keys,
        ):
            while not generator.is_over:
                if (why := self._why_stop(directory, there, watches)) is not None:
                    self._context.say(f"stopping: {why}")
                    return why
                self._look(read_snapshot(directory.live), view)
                self._announce_phases()
                apply_keys(keys.pressed(_LOOK_S), generator.change_rate)
                unsuspended.explain()
        return None

    def _why_stop(self, directory: RunDirectory, there: DirectoryWatch, watches: Watches) -> str | None:
        enough = self._why_enough(self.started_at) if self.started_at and self._why_enough else None
        return there.why_gone() or watches.why_stop() or enough or why_hung(directory) or self._why_silent(directory)

    def _why_silent(self, directory: RunDirectory) -> str | None:
        if time.monotonic() - self._heard_at < _SILENT_S:
            return None
        latest = read_snapshot(directory.live)
        if latest is not None and latest.sequence != self._shown:
            return None  # what stood still was this process: a terminal that takes no output, a stopped process
        return f"nothing was heard of the load generator for {_SILENT_S:g} s: {directory.live.name} stands still"

    def _look(self, snapshot: LiveDocument | None, view: TerminalView) -> None:
        """Show a snapshot that is new, and take the start of the load from it."""
        if snapshot is None:
            return
        if snapshot.sequence != self._shown:
            self._shown, self._heard_at = snapshot.sequence, time.monotonic()
            view.show(snapshot)
        self.started_at = self.started_at or snapshot.started_at

    def _announce_phases(self) -> None:
        """Announce, once each and in order, the phases that have begun."""
        if self.started_at is None:
            return
        elapsed_s = (self._clock.now() - self.started_at) / 1e9
        begun = [
            phase.name
            for phase, at_s in zip(self._plan.phases, self._plan.starts_s(), strict=False)
            if at_s <= elapsed_s
        ]
        for name in begun[self._begun :]:
            self._on_phase(name)
        self._begun = max(self._begun, len(begun))
