"""The server's own counters of each block, where its labels tell the releases apart; from the run's stored samples."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from loadtests.comparison.compared import Compared
from loadtests.comparison.placing import Kept
from loadtests.environment.targets import Environment
from loadtests.results.recorded_run import read_answers, read_environment
from loadtests.results.run_directory import RunDirectory
from slo.objectives.counters import NoData, Series, births, check_scraped, from_birth, increases, series_of
from slo.objectives.sources import Counters
from slo.regression.measures import Value


def server_side(directory: RunDirectory, kept: Sequence[Kept], compared: Compared) -> dict[tuple[str, int], Value]:
    """Return the bad ratio by the measure's name and the block's place; unknown with the reason. Raises BadInput."""
    environment, path = read_environment(directory), directory.metrics / "objectives.parquet"
    answers = read_answers(path) if path.exists() else None
    return {
        (name, one.place): _value(counters, answers, one, labels_of(environment, one.block.variant))
        for name, counters in compared.counters.items()
        for one in kept
    }


def labels_of(environment: Environment, variant: str) -> Mapping[str, str]:
    """Return the labels of one release's series: the first variant is A."""
    first, second = environment.variants.values()
    return (first if variant == "a" else second).metric_labels


def _value(counters: Counters, answers: pa.Table | None, one: Kept, labels: Mapping[str, str]) -> Value:
    if answers is None:
        return Value(value=None, events=0, because="the run stored no answers of Prometheus")
    try:
        return _counted(counters, answers, (one.starts_at, one.ends_at), labels)
    except NoData as reason:
        return Value(value=None, events=0, because=str(reason))


def _counted(counters: Counters, answers: pa.Table, span: tuple[int, int], labels: Mapping[str, str]) -> Value:
    total = _own(series_of(answers, counters.total.text, *span), labels)
    good = _own(series_of(answers, counters.good.text, *span), labels)
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    check_scraped(total, f"{counters.total.text} with {shown}", *span, births(answers))
    seen = (*total, *good)
    events = float(increases(from_birth(total, seen), span)[0])
    fine = float(increases(from_birth(good, seen), span)[0])
    if events < 1:
        raise NoData(f"{counters.total.text} with {shown} counted nothing in the block")
    if fine > events * 1.001 + 1:
        raise NoData(f"{counters.good.text} with {shown} counted more than all there were")
    return Value(value=min(1.0, max(0.0, 1 - fine / events)), events=round(events))


def _own(series: Sequence[Series], labels: Mapping[str, str]) -> tuple[Series, ...]:
    return tuple(one for one in series if all(one.labels.get(name) == value for name, value in labels.items()))
