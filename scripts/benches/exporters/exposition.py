"""From arrays to bytes: ours against prometheus-client's `generate_latest`, the same arrays, in turn."""

import gc
import time
from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import generate_latest

from exporters.serving.exposition import Exposition
from scripts.benches.exporters.bench import Bench
from scripts.benches.exporters.series import One, Stock, all_others, some_others
from scripts.benches.figures import Figure, median_figure, unbounded_figure
from slo.outcomes import EnvironmentLacks

ALL, FEW = 10.0, 40.0
_SHARE = 0.05
_ON = "CPU time from arrays to bytes, in one process, in turn; text format; bytes compared"


def measure(bench: Bench) -> Sequence[Figure]:
    """Measure 50k and 200k series of which every value changed, and 200k of which a twentieth did."""
    small, _, _ = _ratios(50_000, bench.repeat)
    large, few, ours_ms = _ratios(200_000, bench.repeat)
    return (
        median_figure("50k series, every value changed: prometheus-client / ours", small, ">=", ALL, _ON),
        median_figure("200k series, every value changed: prometheus-client / ours", large, ">=", ALL, _ON),
        median_figure("200k series, 5 % changed: prometheus-client / ours", few, ">=", FEW, f"{_ON}; scattered evenly"),
        unbounded_figure("200k series, every value changed: ours, ms", ours_ms, _ON),
    )


def _ratios(series: int, repeat: int) -> tuple[list[float], list[float], list[float]]:
    """Return prometheus-client's CPU time over ours for all values and for some, and ours in ms."""
    stock, chance, exposition = Stock.of(series), np.random.default_rng(series), Exposition()
    values = chance.integers(0, 500, series).astype(np.float64)

    def ours() -> bytes:
        chunks = exposition.chunks(One(stock.ours(values)), is_openmetrics=False)
        return b"".join([chunk.lines for chunk in chunks])

    def theirs() -> bytes:
        return generate_latest(One(stock.prometheus_clients(values)))

    ours()  # the beginnings of the lines are rendered by the first scrape, once
    all_ratios, few_ratios, ours_ms = [], [], []
    for _ in range(repeat):
        values = all_others(values, chance)
        (theirs_s, expected), (ours_s, found) = _timed(theirs), _timed(ours)
        check(found, expected)
        values = some_others(values, _SHARE, chance)
        few_s, found = _timed(ours)
        few_theirs_s, expected = _timed(theirs)
        check(found, expected)
        all_ratios.append(theirs_s / ours_s)
        few_ratios.append(few_theirs_s / few_s)
        ours_ms.append(1000 * ours_s)
    return all_ratios, few_ratios, ours_ms


def _timed(work: Callable[[], bytes]) -> tuple[float, bytes]:
    gc.collect()
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def check(found: bytes, expected: bytes) -> None:
    """Raise EnvironmentLacks when the lines aren't the same."""
    if sorted(found.splitlines()) != sorted(expected.splitlines()):
        raise EnvironmentLacks("the two expositions differ: no figure of theirs means anything")
