"""Two runs side by side on one page: the same scales, and what differs named by step. It judges nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dashboards.charts.svg import draw
from dashboards.charts.vega_specs import OverTime, over_time, top_of
from dashboards.formatting import count
from dashboards.report.charts import SMALL, Chart, Charts, groups
from dashboards.report.comparability import Unlike, unlike
from dashboards.report.differences import (
    Difference,
    StepDifference,
    headlines,
    order_differences,
    step_differences,
)
from dashboards.report.felt import felt
from dashboards.report.felt_chart import felt_chart
from dashboards.report.records_query import SECOND_NS, Step, Store, orders_per_bin
from dashboards.report.run_files import Flaws, Reading, read
from dashboards.report.summary import Hero, hero
from dashboards.report.templating import page_from
from loadtests.results.run_directory import write_bytes
from slo.documents import BadInput
from slo.validity.run_document import OrderCounts

_MAX_NAME_BYTES = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same chart of both runs, on the same scales; None for a run that has nothing to draw."""

    title: str
    here: Chart | None
    there: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that the page shows of two runs: `here` the run it is written for, `there` the one it is held against."""

    here: Reading
    there: Reading
    heroes: tuple[Hero, Hero]
    unlike: Sequence[Unlike]
    compared_s: float
    headlines: Sequence[str]
    steps: Sequence[StepDifference]
    orders: Sequence[Difference]
    felt: Pair
    waiting: Sequence[Pair]
    ordered: Pair | None

    @property
    def is_named(self) -> bool:
        """Whether differences are named at all."""
        return not any(one.stops for one in self.unlike)


def write_comparison(run_path: Path, other_path: Path, flaws: Flaws = (), other_flaws: Flaws = ()) -> Path:
    """Write `report-against-<other>.html` into the run directory, whole or not at all, and return its path.

    `flaws` and `other_flaws` are files of each run's evidence, each with what is wrong with it. Raises BadInput when a
    path is not a directory, both are the same, or one has no judged request to compare.
    """
    return write_comparison_of(read(run_path, flaws), read(other_path, other_flaws))


def write_comparison_of(here: Reading, there: Reading) -> Path:
    """Do the same with two run directories already read; afterwards their `gaps` have all that it doesn't show."""
    if here.directory.path == there.directory.path:
        raise BadInput(
            f"{here.directory.path}: is the same run as {there.directory.path}: name another to hold it against"
        )
    stores = Store(here), Store(there)
    try:
        comparison = _compared(here, there, *stores)
    finally:
        for store in stores:
            store.close()
    page = page_from("comparison.html.j2", page=comparison)
    name = there.directory.name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    path = here.directory.path / f"report-against-{name}.html"
    write_bytes(path, page.encode("utf-8", "replace"))
    return path


def _compared(here: Reading, there: Reading, first: Store, second: Store) -> Comparison:
    compared_s = _cut_to_what_both_played(first, second)
    steps = _steps(here, first), _steps(there, second)
    apart = unlike(here, there)
    named = not any(one.stops for one in apart)
    told = step_differences(*steps, named=named)
    charts = Charts(here, first, "here"), Charts(there, second, "there")
    return Comparison(
        here=here,
        there=there,
        heroes=(hero(here), hero(there)),
        unlike=apart,
        compared_s=compared_s,
        headlines=headlines(told) if named else [],
        steps=told,
        orders=order_differences(_orders(here), _orders(there), named=named and _is_whole(here) and _is_whole(there)),
        felt=_felt(here, there, first, second),
        waiting=list(_waiting(here, *charts)),
        ordered=_ordered(here, there, *charts),
    )


def _cut_to_what_both_played(first: Store, second: Store) -> float:
    """Cut the judged times to the length that both have, for the same plan plays the same there; return it."""
    both_ns = min(ends_at - starts_at for starts_at, ends_at in (first.judged, second.judged))
    for store in (first, second):
        store.judged = (store.judged[0], store.judged[0] + both_ns)
    return both_ns / SECOND_NS


def _steps(reading: Reading, store: Store) -> list[Step]:
    steps = store.steps() if reading.judged else []
    if not steps:
        raise BadInput(f"{reading.directory.path}: has no judged request to compare")
    return steps


def _orders(reading: Reading) -> Mapping[str, int | None]:
    known = (reading.run and reading.run.orders) or OrderCounts()
    return {name: getattr(known, name) for name in ("attempted", "accepted", "refused", "unknown")}


def _felt(here: Reading, there: Reading, first: Store, second: Store) -> Pair:
    length_s = max(first.time.length_s, second.time.length_s)
    upper = felt(here, first, length_s)
    lower = felt(there, second, length_s, [step.step for step in upper.steps])
    return Pair(
        title="p95 by step",
        here=felt_chart(upper, "felt-here", length_s),
        there=felt_chart(lower, "felt-there", length_s),
    )


def _waiting(here: Reading, first: Charts, second: Charts) -> Iterator[Pair]:
    for group in groups((here.verdict and here.verdict.objectives) or ()):
        bin_s = max(charts.bin_s(group) for charts in (first, second))
        pair = _pair((first.latency_over_time(group, bin_s), first), (second.latency_over_time(group, bin_s), second))
        if pair:
            yield pair


def _is_whole(reading: Reading) -> bool:
    return reading.run is not None and reading.run.ended == "completed"


def _ordered(here: Reading, there: Reading, first: Charts, second: Charts) -> Pair | None:
    attempted = max(_orders(reading)["attempted"] or 0 for reading in (here, there))
    bin_s = max(charts.time.coarse(attempted).bin_s for charts in (first, second))
    return _pair((_orders_of(here, first, bin_s), first), (_orders_of(there, second, bin_s), second))


def _orders_of(reading: Reading, charts: Charts, bin_s: int) -> OverTime | None:
    time = replace(charts.time, bin_s=bin_s)
    return charts.orders_over_time(orders_per_bin(reading.directory.ledgers(), time, reading.gaps), time)


def _pair(here: tuple[OverTime | None, Charts], there: tuple[OverTime | None, Charts]) -> Pair | None:
    """Return the two drawn on the same scales; None when neither run has anything to draw."""
    known = [chart for chart, _ in (here, there) if chart]
    if not known:
        return None
    top, length_s = max(map(top_of, known)), max(chart.length_s for chart in known)
    drawn = [_drawn(chart, charts, top, length_s) for chart, charts in (here, there)]
    return Pair(title=known[0].title, here=drawn[0], there=drawn[1])


def _drawn(chart: OverTime | None, charts: Charts, top: float, length_s: float) -> Chart | None:
    if chart is None:
        return None
    same = replace(chart, top=top, length_s=length_s)
    scales = f"to {count(round(top_of(same), 3))} in {count(round(same.length_s))} s"
    label = f"{chart.title}: {', '.join(curve.name for curve in chart.curves)}, {scales}"
    return Chart(title=chart.title, note="", wide=draw(over_time(same, SMALL), charts.name(), label))
