"""One scrape of a subject: a single read of each source under way at a time, shared by the scrapes that come meanwhile.

A source that fails or is late is `<subject>_exporter_up{source="…"} 0`; what needs it is absent, the rest is there.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.names.family import Health, new_gauge
from exporters.serving.cardinality import MAX_SERIES, within
from exporters.serving.source import Deadline, NotYet, Unreadable

_LOG = logging.getLogger(__name__)
Value = TypeVar("Value")
Read = Callable[[Deadline], Value]


def _nothing() -> None:
    """Give nothing back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[Value]):
    """What is exported: how each source is read (raises Unreadable), and the families of those that were read.

    `families` gets the values by source; a source that couldn't be read isn't among them. What they hold above
    `max_series` is left out, and said in `<subject>_exporter_series_dropped`. `close` gives back what the sources hold,
    once nobody asks the subject any more.
    """

    name: str
    about: str
    sources: Mapping[str, Read[Value]]
    families: Callable[[Mapping[str, Value]], Iterable[Metric]]
    max_series: int = MAX_SERIES
    close: Callable[[], None] = _nothing


def of_one_source(
    name: str, about: str, source: str, read: Read[Value], families: Callable[[Value], Iterable[Metric]]
) -> Subject[Value]:
    """Return a subject with a single source."""

    def of(values: Mapping[str, Value]) -> Iterable[Metric]:
        return families(values[source]) if source in values else ()

    return Subject(name=name, about=about, sources={source: read}, families=of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Value]):
    """What one read of a source gave: its value, or why there is none."""

    source: str
    took_s: float
    value: Value | None = None
    failure: str | None = None


class SourceReader(Generic[Value]):
    """Reads one source, never twice at once: a scrape that comes during a read waits for that read.

    The read has a thread of its own, so a source that never ends its answer costs one thread and no scrape.
    """

    def __init__(
        self, subject: str, source: str, read: Read[Value], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = source
        self._subject, self._read, self._clock = subject, read, clock
        self._lock = threading.Lock()
        self._under_way: Future[Reading[Value]] | None = None
        self.up: bool | None = None

    def begin(self, deadline: Deadline) -> Callable[[], Reading[Value]]:
        """Start a read, or join the one under way; the result waits for it until `deadline` and never raises."""
        started = self._clock()
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(
                    target=self._run,
                    args=(self._under_way, deadline),
                    name=f"read-{self._subject}-{self.source}",
                    daemon=True,
                ).start()
            under_way = self._under_way
        return lambda: self._landed(under_way, deadline, started)

    def _run(self, under_way: "Future[Reading[Value]]", deadline: Deadline) -> None:
        started = self._clock()
        value, failure, expected = self._value(deadline)
        if failure is None and deadline.left_s() <= 0:
            value, failure = None, "answered after the deadline"
        if not expected:
            self._note(failure)
        with self._lock:
            self._under_way = None
        under_way.set_result(Reading(source=self.source, value=value, took_s=self._clock() - started, failure=failure))

    def _value(self, deadline: Deadline) -> tuple[Value | None, str | None, bool]:
        """Return the value, or why there is none, and whether that is expected: then it isn't worth a warning."""
        try:
            return self._read(deadline), None, False
        except NotYet as error:
            return None, str(error), True
        except Unreadable as error:
            return None, str(error), False
        except Exception:  # noqa: BLE001 - a defect of ours is a failed read too, never an HTTP 500
            _LOG.exception("%s: the exporter itself failed", self._shown)
            return None, "the exporter itself failed", False

    def _landed(self, under_way: "Future[Reading[Value]]", deadline: Deadline, started: float) -> Reading[Value]:
        try:
            return under_way.result(timeout=deadline.left_s())
        except TimeoutError:
            failure = "no answer within the deadline"
            self._note(failure)
            return Reading(source=self.source, took_s=self._clock() - started, failure=failure)

    @property
    def _shown(self) -> str:
        return f"{self._subject} ({self.source})"

    def _note(self, failure: str | None) -> None:
        with self._lock:
            before, self.up = self.up, failure is None
        if failure is not None and before is not False:
            _LOG.warning("%s: can't be read: %s", self._shown, "; ".join(failure.splitlines()))
        elif failure is None and before is False:
            _LOG.info("%s: can be read again", self._shown)


class Scraper(Generic[Value]):
    """Reads every source of a subject at once."""

    def __init__(self, subject: Subject[Value], clock: Callable[[], float] = time.monotonic) -> None:
        self.subject = subject
        self.health = Health(subject=subject.name)
        self._clock = clock
        self._readers = [SourceReader(subject.name, source, read, clock) for source, read in subject.sources.items()]

    @property
    def up(self) -> Mapping[str, bool | None]:
        """Whether each source could be read the last time; None before the first."""
        return {reader.source: reader.up for reader in self._readers}

    def begin(self, deadline: Deadline) -> Callable[[], "Scraped"]:
        """Start or join a read of each source; the result waits for all until `deadline` and never raises."""
        begun = [reader.begin(deadline) for reader in self._readers]

        def scraped() -> Scraped:
            asked_at = self._clock()
            readings = [landed() for landed in begun]
            waited_s = self._clock() - asked_at
            return replace(self._scraped(readings), waited_s=waited_s)

        return scraped

    def _scraped(self, readings: Sequence[Reading[Value]]) -> "Scraped":
        values = {one.source: one.value for one in readings if one.failure is None}
        took_s = {one.source: one.took_s for one in readings}
        try:
            families = tuple(self.subject.families(values))  # type: ignore[arg-type] # no failure: there is a value
            cut = within(families, self.subject.max_series)
        except Unreadable as error:
            _LOG.warning("%s: can't be exported: %s", self.subject.name, error)
        except Exception:  # noqa: BLE001 - a defect of ours is a failed read too, never an HTTP 500
            _LOG.exception("%s: the exporter itself failed", self.subject.name)
        else:
            up = {source: source in values for source in took_s}
            return Scraped(families=cut.families, up=up, took_s=took_s, dropped=cut.dropped)
        return Scraped(families=(), up=dict.fromkeys(took_s, False), took_s=took_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """What one scrape of a subject gave: its families, and for each source whether it was read and how long it took.

    `dropped` holds how many series of a family were left out, `waited_s` is how long was waited for the sources.
    """

    families: tuple[Metric, ...]
    up: Mapping[str, bool]
    took_s: Mapping[str, float]
    dropped: Mapping[str, int] = field(default_factory=dict)
    waited_s: float = 0.0


class ScrapeCollector(Collector):
    """One scrape of one subject as a prometheus-client collector; made anew for every scrape."""

    def __init__(self, health: Health, landed: Callable[[], Scraped], registry: CollectorRegistry) -> None:
        self._health = health
        self._landed = landed
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Name the two families there always are, so that registering reads nothing."""
        return (new_gauge(self._health.up), new_gauge(self._health.duration))

    def collect(self) -> Iterable[Metric]:
        """Wait for the reads and yield their families."""
        scraped = self._landed()
        up, duration = new_gauge(self._health.up), new_gauge(self._health.duration)
        for source, is_up in scraped.up.items():
            up.add_metric((source,), 1 if is_up else 0)
            duration.add_metric((source,), scraped.took_s[source])
        yield up
        yield duration
        if scraped.dropped:
            dropped = new_gauge(self._health.dropped)
            for family, count in scraped.dropped.items():
                dropped.add_metric((family,), count)
            yield dropped
        yield from scraped.families
