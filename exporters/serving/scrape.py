"""One scrape of a subject: a single read under way at a time, shared by every scrape that comes meanwhile.

A read that fails or is late is `<subject>_exporter_up 0` with the subject's other families absent.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.names import Health, gauge
from exporters.serving.source import Deadline, NotYet, Unreadable

_LOG = logging.getLogger(__name__)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[Value]):
    """What is exported: how it is read (raises Unreadable) and how its value becomes metric families."""

    name: str
    about: str
    read: Callable[[Deadline], Value]
    families: Callable[[Value], Iterable[Metric]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one read of a subject gave: its families, or why there are none."""

    families: tuple[Metric, ...]
    took_s: float
    failure: str | None = None


class Scraper(Generic[Value]):
    """Reads one subject, never twice at once: a scrape that comes during a read waits for that read.

    The read has a thread of its own, so a source that never ends its answer costs one thread and no scrape.
    """

    def __init__(self, subject: Subject[Value], clock: Callable[[], float] = time.monotonic) -> None:
        self.subject = subject
        self.health = Health(subject=subject.name)
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: Future[Reading] | None = None
        self._up: bool | None = None

    def begin(self, deadline: Deadline) -> Callable[[], Reading]:
        """Start a read, or join the one under way; the result waits for it until `deadline` and never raises."""
        started = self._clock()
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(
                    target=self._run, args=(self._under_way, deadline), name=f"read-{self.subject.name}", daemon=True
                ).start()
            under_way = self._under_way
        return lambda: self._landed(under_way, deadline, started)

    def _run(self, under_way: "Future[Reading]", deadline: Deadline) -> None:
        started = self._clock()
        try:
            families, failure = self._read(deadline)
        except NotYet as error:
            families, failure = (), str(error)
        else:
            if failure is None and deadline.left_s() <= 0:
                families, failure = (), "answered after the deadline"
            self._note(failure)
        with self._lock:
            self._under_way = None
        under_way.set_result(Reading(families=families, took_s=self._clock() - started, failure=failure))

    def _read(self, deadline: Deadline) -> tuple[tuple[Metric, ...], str | None]:
        try:
            return tuple(self.subject.families(self.subject.read(deadline))), None
        except NotYet:
            raise
        except Unreadable as error:
            return (), str(error)
        except Exception:  # noqa: BLE001 - a defect of ours is a failed read too, never an HTTP 500
            _LOG.exception("%s: the exporter itself failed", self.subject.name)
            return (), "the exporter itself failed"

    def _landed(self, under_way: "Future[Reading]", deadline: Deadline, started: float) -> Reading:
        try:
            return under_way.result(timeout=deadline.left_s())
        except TimeoutError:
            failure = "no answer within the deadline"
            self._note(failure)
            return Reading(families=(), took_s=self._clock() - started, failure=failure)

    def _note(self, failure: str | None) -> None:
        with self._lock:
            before, self._up = self._up, failure is None
        if failure is not None and before is not False:
            _LOG.warning("%s: can't be read: %s", self.subject.name, failure)
        elif failure is None and before is False:
            _LOG.info("%s: can be read again", self.subject.name)


class ScrapeCollector(Collector):
    """One scrape of one subject as a prometheus-client collector; made anew for every scrape."""

    def __init__(self, health: Health, landed: Callable[[], Reading], registry: CollectorRegistry) -> None:
        self._health = health
        self._landed = landed
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Name the two families there always are, so that registering reads nothing."""
        return (gauge(self._health.up), gauge(self._health.duration))

    def collect(self) -> Iterable[Metric]:
        """Wait for the read and yield its families."""
        reading = self._landed()
        up, duration = gauge(self._health.up), gauge(self._health.duration)
        up.add_metric((), 0 if reading.failure is not None else 1)
        duration.add_metric((), reading.took_s)
        yield up
        yield duration
        yield from reading.families
