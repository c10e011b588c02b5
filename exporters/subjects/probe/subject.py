"""The subject `probe`: the timed probes on /metrics, and any other at /probe?target=…&module=…."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.context import ExporterContext
from exporters.serving.pages import Query, QueryPage
from exporters.serving.scrape import Subject
from exporters.serving.source import Deadline, NotYet
from exporters.subjects.probe.book import Book, Key
from exporters.subjects.probe.config import ProbeConfig
from exporters.subjects.probe.families import families
from exporters.subjects.probe.slot import Seen
from slo.documents import BadInput

PATH = "/probe"
_FIELDS = ("target", "module")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject(Subject[Seen]):
    """The timed probes, each a source, and the page that plays what it is asked for; `close` ends the timer."""

    pages: Mapping[str, QueryPage]


def subject(config: ProbeConfig, context: ExporterContext, book: Book | None = None) -> ProbeSubject:
    """Return the subject of a configuration, its timer started; raises BadInput for what it can't be made of."""
    if book is None:
        book = Book(config, context)
        book.start()
    keys = {f"{target}/{module}": (target, module) for target, module in book.timed}
    limits = {name: module.limits_s for name, module in config.modules.items()}

    def found(values: Mapping[str, Seen]) -> Iterable[Metric]:
        return families({keys[source]: seen for source, seen in values.items()}, limits)

    return ProbeSubject(
        name="probe",
        about="journeys walked as probes; one of its own at /probe",
        sources={source: _reading(book, key) for source, key in keys.items()},
        families=found,
        pages={PATH: _page(config, book, limits)},
        close=book.close,
    )


def _reading(book: Book, key: Key) -> Callable[[Deadline], Seen]:
    def read(_deadline: Deadline) -> Seen:
        seen = book.seen(key)
        if seen.last is None:
            raise NotYet("no probe was played yet")
        return seen

    return read


def _page(config: ProbeConfig, book: Book, limits: Mapping[str, Mapping[str, float]]) -> QueryPage:
    def collect(query: Query, deadline: Deadline) -> CollectorRegistry:
        if unknown := [name for name in query if name not in _FIELDS]:
            raise BadInput(f"{unknown[0]}: unknown field; expected {' and '.join(_FIELDS)}")
        target, module = (query.get(name, "") for name in _FIELDS)
        seen = book.ask(target, module, deadline)
        registry = CollectorRegistry()
        registry.register(_Found(tuple(families({(target, module): seen}, limits))))
        return registry

    return QueryPage(
        about="plays a journey of an environment and returns what it found, at most once a minute",
        collect=collect,
        example=f"target={book.environments[0]}&module={next(iter(config.modules))}",
    )


class _Found(Collector):
    """Families that are known already."""

    def __init__(self, found: tuple[Metric, ...]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._found
