"""The plans that the benchmark plays: so many sessions at the start, or so many a second all the time."""

import math
import string
from dataclasses import dataclass
from typing import Any

from loadtests.demand.arrivals import schedule
from loadtests.demand.plan import Plan
from loadtests.demand.visits import VISITS
from loadtests.shopper.assets import Fetched
from scripts.benches.engine.shop import STOREFRONT

_LONG_S = 3600.0  # a run is ended from outside when its window is over
_SPAWN_PER_S = 1000.0
_SEEDS = 10_000
_MOST = 1_000_000
_NOBODY = 1e-9  # the level of a plateau must be above 0
_DRAIN_S = 3.0
_OBJECTIVE = string.Template("""\
apiVersion: openslo/v1
kind: SLO
metadata: {name: bench-$name}
spec:
  description: The benchmark's target answers.
  service: bench
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: replies, target: 0.5}]
  indicator:
    metadata: {name: bench-$name}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: peakproof-records, spec: {steps: [$steps]$within}}}
        total: {metricSource: {type: peakproof-records, spec: {steps: [$steps]$clock}}}
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to play: `sessions` at the start at 1,000 a second, or, when that is 0, `sessions_per_s` for `lasts_s`.

    Over `most_open` open sessions, arrivals are dropped. `think_s` is the mean pause between steps, drawn
    log-normally with `sigma`.
    """

    journey: str
    sessions: int = 0
    sessions_per_s: float = 0.0
    lasts_s: float = 60.0
    most_open: int = _MOST
    think_s: float = 0.001
    sigma: float = 0.0
    trace_sampling: float = 0.0
    assets: Fetched = "off"
    seed: int = 1

    @property
    def spawn_s(self) -> float:
        """How long the sessions of the start go on arriving."""
        return max(0.1, self.sessions / _SPAWN_PER_S)


def plan_of(load: Load) -> Plan:
    """Return the plan; one of a number of sessions has a seed whose schedule holds exactly that many."""
    if not load.sessions:
        return _plan(load, load.seed, load.sessions_per_s)
    for seed in range(load.seed, load.seed + _SEEDS):
        plan = _plan(load, seed, load.sessions / load.spawn_s)
        if len(schedule(plan)) == load.sessions:
            return plan
    raise ValueError(f"no seed gives {load.sessions} sessions")  # pragma: no cover - one in sqrt(2 pi n) does


def _plan(load: Load, seed: int, per_s: float) -> Plan:
    # All of a number of sessions arrive in the warm-up; the plateau, in which requests are judged, is then theirs.
    spawn_s, plateau_s, level = (load.spawn_s, _LONG_S, _NOBODY) if load.sessions else (0.1, load.lasts_s, 1.0)
    return Plan.model_validate(
        {
            "format": "peakproof/plan/v1",
            "name": "bench",
            "seed": seed,
            "demand": {
                "source": "the benchmark's own",
                "forecast_orders_per_hour": per_s * 3600,
                "factor": 1,
                "orders_per_session": 1,
                "peak_sessions_per_s": per_s,
            },
            "phases": [
                {"name": "warm-up", "kind": "warm-up", "duration_s": spawn_s, "level": [1, 1]},
                {"name": "plateau", "kind": "plateau", "duration_s": plateau_s, "level": [level, level]},
                {"name": "drain", "kind": "drain", "duration_s": _DRAIN_S},
            ],
            "journeys": {load.journey: 1},
            "think_time": {
                "median_s": _median(load.think_s, load.sigma),
                "sigma": load.sigma,
                "max_s": max(10.0, 10 * load.think_s),
            },
            "cart_lines": {"min": 1, "max": 1},
            "trace_sampling": load.trace_sampling,
            "assets": load.assets,
            "limits": {"open_sessions": load.most_open},
        }
    )


def _median(mean: float, sigma: float) -> float:
    """Return the median of the log-normal distribution with this mean."""
    return mean / math.exp(sigma**2 / 2)


def environment_of(url: str, ca: str | None) -> dict[str, Any]:
    """Return the target as `targets.yaml` would name it, with a ceiling that nothing here reaches."""
    return {
        "base_url": url,
        "storefront": STOREFRONT,
        "ceiling": {"requests_per_s": 100_000, "open_sessions": _MOST, "orders": 0},
        "headers": {"Accept-Encoding": "gzip, deflate, br"},  # what FastHttpUser asks for; nothing here is compressed
        "ca": ca,
    }


def objectives_of(load: Load) -> str:
    """Return two objectives that are followed live, as a run's are, and that no reply here misses."""
    steps = ", ".join(VISITS[load.journey])
    return "---\n".join(
        _OBJECTIVE.substitute(name=name, steps=steps, clock=clock, within=clock + within)
        for name, clock, within in (("answers", "", ""), ("waits", ", clock: scheduled", ", within_s: 60"))
    )
