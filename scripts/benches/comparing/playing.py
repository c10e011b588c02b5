"""Jobs of many trials: blocks' values in, verdicts of the product's own `compare` out, and Welch's test beside it."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from scripts.benches.comparing.cells import Tally
from slo.outcomes import Outcome
from slo.regression.comparison import compare
from slo.regression.design import Design
from slo.regression.limits import latency_measure
from slo.regression.measures import Measure, Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

Floats = npt.NDArray[np.float64]
SETTINGS = ComparisonSettings()
BOTH_UP = Design()
WITH_SWITCH = Design(looks=(4, 5, 6), block_s=65.0, switch_s=180.0)
BASE_S = 0.400
WELCH_RUNS = 5
_EVENTS = 1000


def latencies(count: int, settings: ComparisonSettings = SETTINGS) -> list[Measure]:
    """Return that many latency measures."""
    return [latency_measure(f"latency-{number}", ("checkout",), settings) for number in range(count)]


def of_logs(measure: Measure, a: Floats, b: Floats, base_s: float = BASE_S) -> Measured:
    """Return one job's pairs from ln p95 of its blocks, relative to `base_s`."""
    values_a, values_b = (base_s * np.exp(a)).tolist(), (base_s * np.exp(b)).tolist()
    return of_values(measure, values_a, values_b, [_EVENTS] * len(values_a))


def of_values(
    measure: Measure, a: Sequence[float | None], b: Sequence[float | None], events: Sequence[int]
) -> Measured:
    """Return one job's pairs from the values of its blocks."""
    pairs = tuple(
        Pair(number=number, a=Value(value=one, events=n), b=Value(value=other, events=n))
        for number, (one, other, n) in enumerate(zip(a, b, events, strict=True), start=1)
    )
    return Measured(measure=measure, pairs=pairs)


def tally(
    jobs: int,
    job: Callable[[int], Sequence[Measured]],
    design: Design = BOTH_UP,
    settings: ComparisonSettings = SETTINGS,
    welch: npt.NDArray[np.int64] | None = None,
) -> Tally:
    """Compare `jobs` jobs; `welch` are its decisions beside: 1 FAIL, -1 PASS, 0 neither."""
    verdicts = [compare(job(number), design, settings) for number in range(jobs)]
    if not all(one.is_final for one in verdicts):
        raise AssertionError("a job that was played out has no final verdict")
    return Tally(
        jobs=jobs,
        fail=sum(one.outcome is Outcome.FAIL for one in verdicts) / jobs,
        passed=sum(one.outcome is Outcome.PASS for one in verdicts) / jobs,
        minutes=float(np.median([design.lasts_s(one.pairs) / 60 for one in verdicts])),
        welch_fail=None if welch is None else float((welch == 1).mean()),
        welch_passed=None if welch is None else float((welch == -1).mean()),
    )


def welch(a: Floats, b: Floats, settings: ComparisonSettings = SETTINGS) -> npt.NDArray[np.int64]:
    """Return Welch's decisions over whole runs, a row a job: 1 FAIL, -1 PASS, 0 neither, each at 5 %."""
    n = a.shape[1]
    of_a, of_b = a.var(1, ddof=1) / n, b.var(1, ddof=1) / n
    degrees = (of_a + of_b) ** 2 / ((of_a**2 + of_b**2) / (n - 1))
    reach = stdtrit(degrees, 1 - settings.alpha) * np.sqrt(of_a + of_b)
    change = b.mean(1) - a.mean(1)
    worse, fine = change - reach > np.log(settings.fail_ratio), change + reach < np.log(settings.pass_ratio)
    return np.where(worse, 1, np.where(fine, -1, 0))
