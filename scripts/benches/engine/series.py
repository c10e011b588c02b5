"""Series of runs: each generator in turn, again and again, each over a steady window, each checked.

A window is what lies between two readings of the generator's CPU and of the target's count.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from scripts.benches.engine.generators import Generator, Site, Tally, run_directory_of
from scripts.benches.engine.target import Nginx, Status
from scripts.local_stack.processes import Child, Children, wait_until
from slo.outcomes import EnvironmentLacks

_STARTED_S = 30.0
_FLOWS = 50
_CPU_CLOCK = 2  # CPUCLOCK_SCHED of Linux's include/linux/posix-timers.h: all threads of a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One reading: when it was, in ns since the epoch as records have it, and the generator's CPU in ns."""

    at_ns: int
    cpu_ns: int
    status: Status
    rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened between two moments."""

    before: Moment
    after: Moment

    @property
    def wall_s(self) -> float:
        """How long it was."""
        return (self.after.at_ns - self.before.at_ns) / 1e9

    @property
    def cpu_s(self) -> float:
        """What the generator used."""
        return (self.after.cpu_ns - self.before.cpu_ns) / 1e9

    @property
    def requests(self) -> int:
        """What the target counted."""
        return self.after.status.requests - self.before.status.requests

    @property
    def accepts(self) -> int:
        """How many connections the target accepted: over TLS, as many handshakes."""
        return self.after.status.accepts - self.before.status.accepts

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a request."""
        return 1e6 * self.cpu_s / self.requests

    @property
    def rate_per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.wall_s

    @property
    def cpu_share(self) -> float:
        """The share of one core."""
        return self.cpu_s / self.wall_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One generator's run: its window, its own count, and, for ours, its run directory."""

    window: Window
    tally: Tally
    directory: RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all series share: the target, and how long and how often is measured."""

    children: Children
    nginx: Nginx
    folder: Path
    window_s: float
    warm_s: float
    repeat: int
    clock: Clock

    def interleave(self, sides: Sequence[tuple[Generator, Site]], times: int = 1) -> Mapping[str, list[Run]]:
        """Run every side in turn, `repeat` x `times`, there and back again; returns the runs by the side's name."""
        runs: dict[str, list[Run]] = {generator.name: [] for generator, _ in sides}
        for turn in range(self.repeat * times):
            for generator, site in sides if turn % 2 == 0 else reversed(sides):
                runs[generator.name].append(self.measure(generator, site))
        return runs

    def measure(self, generator: Generator, site: Site, window: Callable[[Child], Window] | None = None) -> Run:
        """Run one side once; raises EnvironmentLacks when a reply was wrong or the target counted otherwise.

        `window` replaces the steady window.
        """
        folder = self.folder / generator.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        before = self.nginx.status()
        child = generator.start(self.children, site, folder)
        wait_until(lambda: self._flows(before.requests), [child, self.nginx.child], _STARTED_S, generator.name)
        seen = (window or self.steady)(child)
        tally = told(generator, child, folder)
        check_count(generator.name, tally, self.nginx.status().requests - before.requests)
        return Run(window=seen, tally=tally, directory=run_directory_of(folder))

    def steady(self, child: Child) -> Window:
        """Let it warm up, then watch for the window."""
        time.sleep(self.warm_s)
        before = self.moment(child)
        time.sleep(self.window_s)
        window = Window(before=before, after=self.moment(child))
        if window.requests <= 0 or window.cpu_s <= 0:
            raise EnvironmentLacks(f"{child.name}: sent nothing in the window: {child.last_log_line()}")
        print(_line(child.name, window), flush=True)
        return window

    def moment(self, child: Child) -> Moment:
        """Read the target's count and the generator's CPU now; raises EnvironmentLacks when it has ended."""
        pid = child.process.pid
        try:
            return Moment(
                status=self.nginx.status(), at_ns=self.clock.now(), cpu_ns=cpu_ns(pid), rss_bytes=rss_bytes(pid)
            )
        except (OSError, ValueError) as error:
            raise EnvironmentLacks(f"{child.name} can't be watched: {error}: {child.last_log_line()}") from error

    def _flows(self, before: int) -> bool:
        return self.nginx.status().requests - before > _FLOWS


def cpu_ns(pid: int) -> int:
    """Return the CPU time of a process and all its threads so far, in ns; raises OSError when it is gone.

    It is /proc/PID/stat's, read from the process's own CPU clock (clock_getcpuclockid(3)): not rounded to ticks.
    """
    return time.clock_gettime_ns((~pid << 3) | _CPU_CLOCK)


def rss_bytes(pid: int) -> int:
    """Return the memory of a process that is resident now."""
    return read_rss(Path(f"/proc/{pid}/status").read_text())


def read_rss(text: str) -> int:
    """Return VmRSS of /proc/PID/status in bytes; raises ValueError when it isn't there."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) << 10
    raise ValueError("no VmRSS: the process has ended")


def check_count(name: str, tally: Tally, counted: int) -> None:
    """Raise EnvironmentLacks when a reply was wrong, or the target counted otherwise than the generator.

    The counts may differ by what was under way at the end.
    """
    if tally.errors:
        wrong = ", ".join(f"{count} {word}" for word, count in tally.errors.items())
        raise EnvironmentLacks(f"{name}: not every reply was right: {wrong} of {tally.requests}")
    if not 0 <= counted - tally.requests <= tally.under_way:
        raise EnvironmentLacks(f"{name}: says {tally.requests} requests, the target counted {counted}")


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the quotient of each pair, measured one after the other."""
    return [a / b for a, b in zip(over, under, strict=True)]


def told(generator: Generator, child: Child, folder: Path) -> Tally:
    """End a generator and return its count; raises EnvironmentLacks when it leaves none."""
    try:
        return generator.end(child, folder)
    except (OSError, ValueError, LookupError) as error:
        raise EnvironmentLacks(f"{generator.name}: left no count: {error} (log: {child.log})") from error


def _line(name: str, window: Window) -> str:
    return (
        f"  {name:<24}{window.rate_per_s:8.0f} requests/s  {window.cpu_us:7.1f} µs of CPU a request"
        f"  {window.cpu_share:4.0%} of a core  {window.accepts:6d} connections"
    )
