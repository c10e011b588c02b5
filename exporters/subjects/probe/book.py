"""Every probe of a configuration: those that /probe is asked for and those on a timer, played by the same rules."""

import logging
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import replace
from functools import partial

from exporters.context import ExporterContext
from exporters.serving.source import Deadline
from exporters.subjects.probe.config import LEAST_EVERY_S, ProbeConfig
from exporters.subjects.probe.slot import Seen, Slot
from loadtests.environment.targets import Targets, read_targets
from loadtests.probe.process import Probe, play_probe
from loadtests.probe.result import ProbeResult, skipped
from slo.documents import BadInput

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5
ENDS_S = 0.6  # of a scrape's time: a process is ended and its result is rendered
LEAST_S = 3.0
_SHARE_OF_WAITING = 0.5
Play = Callable[[Probe, float], ProbeResult]
Key = tuple[str, str]


class Book:
    """The probes of a configuration; raises BadInput when the targets file doesn't hold an environment it names."""

    def __init__(
        self,
        config: ProbeConfig,
        context: ExporterContext,
        play: Play = play_probe,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._context, self._clock = config, context, clock
        path = context.path(config.targets)
        self._targets: Targets = read_targets(path)
        self._bounded = _AtOnce(config.at_once, play, clock, self._context.now)
        self._is_closed = False
        self._lock = threading.Lock()
        self._slots: dict[Key, Slot] = {}
        self._kept: dict[Key, Slot] = context.kept.setdefault("probe", {})
        self.timed = tuple((one.target, one.module) for one in config.probes)
        named = [name for one in config.modules.values() for name in one.only_on or ()]
        for target in (*(target for target, _ in self.timed), *named):
            self._targets.environment(target, path)
        for nth, key in enumerate(self.timed):
            if key not in self._kept:
                self._slot(key).first_at(clock() + LEAST_EVERY_S * nth / len(self.timed))

    def ask(self, target: str, module: str, deadline: Deadline) -> Seen:
        """Return what is known of a probe, after one is played if it is due; raises BadInput for what there isn't."""
        if module not in self._config.modules:
            raise BadInput(f"module: no module {module!r}; there are: {', '.join(sorted(self._config.modules))}")
        if target not in self._targets.environments:
            raise BadInput(f"target: no target {target!r}; there are: {', '.join(sorted(self._targets.environments))}")
        allowed = self._config.modules[module].only_on
        if allowed is not None and target not in allowed:
            raise BadInput(f"target: {module} is only_on {', '.join(allowed)}, not {target}")
        slot, left_s = self._slot((target, module)), deadline.left_s() - ENDS_S
        under_way = slot.begin(left_s) if left_s >= LEAST_S else None
        if under_way is not None:
            try:
                under_way.result(timeout=deadline.left_s())
            except NotInTime:
                _LOG.debug("%s/%s: still under way when the scrape's time was over", target, module)
        seen = slot.seen()
        if seen.fresh(seen.last) is not None:
            return seen
        return replace(seen, last=skipped("late", "no probe was played within the scrape's time", seen.now_s))

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments that there are."""
        return tuple(self._targets.environments)

    def seen(self, key: Key) -> Seen:
        """Return what is known of a probe; nothing is played."""
        return self._slot(key).seen()

    def tick(self) -> None:
        """Begin the timed probes that are due."""
        for key in self.timed:
            self._slot(key).begin(self._config.modules[key[1]].timeout_s, early_s=0.0)

    @property
    def is_closed(self) -> bool:
        """Whether no more probes are begun on the timer."""
        return self._is_closed

    def close(self) -> None:
        """Begin no more probes on the timer; those under way end by themselves."""
        self._is_closed = True

    def start(self) -> None:
        """Look at the timer in a thread that ends with this object, or when it is closed."""
        if self.timed:
            threading.Thread(target=_keep_time, args=(weakref.ref(self),), name="probe-timer", daemon=True).start()

    def _slot(self, key: Key) -> Slot:
        with self._lock:
            if key not in self._slots:
                every_s, play = self._config.every_s(*key), partial(self._bounded.play, self._probe(*key))
                if key in self._kept:
                    self._kept[key].change(every_s, play)
                else:
                    self._kept[key] = Slot(every_s, play, self._clock, self._bounded.now_s)
                self._slots[key] = self._kept[key]
            return self._slots[key]

    def _probe(self, target: str, module: str) -> Probe:
        config, context, one = self._config, self._context, self._config.modules[module]
        return Probe(
            target=target,
            module=module,
            journey=one.journey,
            targets=self._targets,
            folder=context.path(config.folder).absolute(),
            leases=context.path(config.lease_folder).absolute(),
            buys=one.buys,
            plan=None if one.plan is None else context.path(one.plan).absolute(),
            permit=None if one.permit is None else context.path(one.permit).absolute(),
            variables=context.variables,
        )


class _AtOnce:
    """Plays probes, so many at once and no more; what the metrics can't say stands in the log."""

    def __init__(self, at_once: int, play: Play, clock: Callable[[], float], now: Callable[[], int]) -> None:
        self._at_once, self._play, self._clock, self._now = at_once, play, clock, now
        self._places = threading.Semaphore(at_once)

    def now_s(self) -> float:
        """Return the Unix time."""
        return self._now() / 1e9

    def play(self, probe: Probe, within_s: float) -> ProbeResult:
        """Play a probe once there is a place; raises nothing."""
        result = self._played(probe, within_s)
        _log(f"{probe.target}/{probe.module}", result)
        return result

    def _played(self, probe: Probe, within_s: float) -> ProbeResult:
        began, began_at_s = self._clock(), self.now_s()
        if not self._places.acquire(timeout=within_s * _SHARE_OF_WAITING):
            why = f"no place was free in time: at_once is {self._at_once}"
            return skipped("busy", why, began_at_s)
        try:
            return self._play(probe, within_s - (self._clock() - began))
        except Exception as error:  # noqa: BLE001 - a machine that can't start a process is no finding about the shop
            return skipped("process", f"no process can be started: {error!r}", began_at_s)
        finally:
            self._places.release()


def _log(name: str, result: ProbeResult) -> None:
    if result.skipped is not None:
        level = logging.INFO if result.skipped.reason == "run" else logging.WARNING
        _LOG.log(level, "probe %s: skipped (%s): %s", name, result.skipped.reason, result.skipped.message)
    elif result.failed is not None:
        failed = result.failed
        _LOG.warning("probe %s: failed at %s (%s): %s", name, failed.step, failed.reason, failed.message)


def _keep_time(book: "weakref.ref[Book]") -> None:
    while (one := book()) is not None and not one.is_closed:
        one.tick()
        del one
        time.sleep(_LOOK_S)
