"""What a run of a plan needs of the machine that makes its load: cores, memory, disk, and what that costs.

All figures are measured (docs/performance.md, "What a run needs"), for the built-in storefront; one of a user's own
that parses more costs more. The shop, Prometheus and the spans of the shop's side aren't in them.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from loadtests.demand.concurrency import REPLY_S, session_s
from loadtests.demand.plan import Plan
from loadtests.demand.visits import visits_of
from slo.documents import Document, read_yaml

FORMAT: Final = "peakproof/prices/v1"
WORKER_CORES: Final = 0.10
REQUEST_CPU_US: Final = 140
CONNECTION_CPU_US: Final = 281
WORKER_MIB: Final = 241
SESSION_KIB: Final = 10.4
REQUEST_BYTES: Final = 38
SESSION_BYTES: Final = 45
ORDER_BYTES: Final = 455
JUDGE_MIB: Final = 488
REPORT_MIB: Final = 593
BUSY: Final = 0.7
"""The share of a core that a worker should use at most: beyond it, what it measures begins to be its own waiting."""
_MIB = 1 << 20
_GB = 10**9


class Prices(Document):
    """What an environment's machines cost, format peakproof/prices/v1; a price that isn't given is left out.

    `environment_hour` is what the environment under test costs an hour while it stands at the size of the test.
    """

    format: Literal["peakproof/prices/v1"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    core_hour: Annotated[float, Field(ge=0, le=1000)] = 0.0
    gb_memory_hour: Annotated[float, Field(ge=0, le=1000)] = 0.0
    gb_disk_month: Annotated[float, Field(ge=0, le=1000)] = 0.0
    environment_hour: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a run needs: of the generator at the peak, and of the disk by its end.

    `workers` is how many it takes so that none uses over 70 % of a core; `judge_gb` is the memory of judging, after it.
    """

    requests: float
    requests_per_s: float
    open_sessions: float
    cores: float
    workers: int
    memory_gb: float
    judge_gb: float
    disk_gb: float
    hours: float


def read_prices(path: Path) -> Prices:
    """Read the prices at `path`; raises BadInput that lists every error."""
    return read_yaml(path, Prices)


def resources_of(plan: Plan) -> Resources:
    """Return what a run of the plan needs; raises ValueError while a journey's visits aren't counted."""
    visits = visits_of(plan)
    each = math.fsum(share * math.fsum(visits[name].values()) for name, share in plan.journeys.items() if share)
    rate = plan.demand.peak_sessions_per_s * max(max(phase.level or (0.0,)) for phase in plan.phases)
    sessions = plan.curve().total
    opened = rate * session_s(plan, REPLY_S)
    used = (rate * each * REQUEST_CPU_US + rate * CONNECTION_CPU_US) / 1e6
    workers = max(1, math.ceil(used / (BUSY - WORKER_CORES)))
    disk = sessions * (each * REQUEST_BYTES + SESSION_BYTES + plan.demand.orders_per_session * ORDER_BYTES)
    return Resources(
        requests=sessions * each,
        requests_per_s=rate * each,
        open_sessions=opened,
        cores=used + workers * WORKER_CORES,
        workers=workers,
        memory_gb=(workers * WORKER_MIB * _MIB + opened * SESSION_KIB * 1024) / _GB,
        judge_gb=max(JUDGE_MIB, REPORT_MIB) * _MIB / _GB,
        disk_gb=disk / _GB,
        hours=plan.duration_s / 3600,
    )


def cost_of(needed: Resources, prices: Prices) -> float:
    """Return what a run costs, its records kept for a month, and the environment for as long as the run lasts."""
    by_hour = (
        max(1, math.ceil(needed.cores)) * prices.core_hour
        + max(needed.memory_gb, needed.judge_gb) * prices.gb_memory_hour
        + prices.environment_hour
    )
    return by_hour * needed.hours + needed.disk_gb * prices.gb_disk_month
