"""The subject `cost`: a source a bill, and beside them the counts and the runs that it is divided by."""

from exporters.context import ExporterContext
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.scrape import Read, Subject
from exporters.serving.source import Deadline
from exporters.subjects.cost.config import COUNTS, RUNS, CostConfig
from exporters.subjects.cost.counts import counts_reader
from exporters.subjects.cost.families import Value, families_of
from exporters.subjects.cost.run_windows import RunWindow, run_windows
from exporters.subjects.cost.source import BillSource


def subject(config: CostConfig, context: ExporterContext) -> Subject[Value]:
    """Return the subject; raises BadInput for a token that isn't given."""
    tag = None if config.runs is None else config.runs.tag
    sources: dict[str, Read[Value]] = {
        name: AtMostEvery(config.every_s, BillSource(bill, tag, context).read) for name, bill in config.bills.items()
    }
    if config.counts is not None:
        sources[COUNTS] = AtMostEvery(config.every_s, counts_reader(config.counts, context))
    if config.runs is not None:
        environment = config.runs.environment

        def windows(_: Deadline) -> tuple[RunWindow, ...]:
            return run_windows(context.runs, environment)

        sources[RUNS] = AtMostEvery(config.every_s, windows)
    return Subject(
        name="cost",
        about="what the cloud costs: by service, by order, against the budget",
        sources=sources,
        families=families_of(config),
    )
