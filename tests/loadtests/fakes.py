"""What the tests of the load generator share: a small plan, a scripted client, listeners that remember."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gevent.event import Event

from loadtests.client.cookies import Crossing
from loadtests.client.interface import Client, Listener, Reply, Request
from loadtests.demand.arrivals import Arrival
from loadtests.demand.plan import Plan
from loadtests.environment.ceilings import Ceilings
from loadtests.environment.targets import Ceiling
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.records import SessionRecord, StepBatch, StepLog, StepRecord
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.session_context import SessionContext

SECOND = 1_000_000_000


def plan_facts(**changes: object) -> dict[str, Any]:
    """Return a plan's data: no think time to speak of, a second of load."""
    return {
        "format": "peakproof/plan/v1",
        "name": "small",
        "seed": 7,
        "demand": {
            "source": "made up",
            "forecast_orders_per_hour": 36000,
            "factor": 1.0,
            "orders_per_session": 1.0,
            "peak_sessions_per_s": 10.0,
        },
        "phases": [
            {"name": "warm-up", "kind": "warm-up", "duration_s": 0.2, "level": [1.0, 1.0]},
            {"name": "plateau", "kind": "plateau", "duration_s": 0.8, "level": [1.0, 1.0]},
            # a run is over when its last session is: of this only as much passes as a slow machine needs
            {"name": "drain", "kind": "drain", "duration_s": 40.0},
        ],
        "journeys": {"search-and-buy": 0.4, "click-and-collect": 0.2, "design-your-own": 0.2, "window-shop": 0.2},
        "think_time": {"median_s": 0.001, "sigma": 0.5, "max_s": 0.01},
        "cart_lines": {"min": 1, "max": 3},
        "limits": {"open_sessions": 100},
        **changes,
    }


def small_plan(**changes: object) -> Plan:
    """Return that plan."""
    return Plan.model_validate(plan_facts(**changes))


def arrival(number: int = 0, at_s: float = 0.0, journey: str = "search-and-buy", seed: int = 1) -> Arrival:
    """Return one arrival."""
    return Arrival(number=number, at_s=at_s, journey=journey, seed=seed)


def step_record(**changes: Any) -> StepRecord:
    """Return a request of 100 ms at second 1,000 that went well."""
    trace = {"trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1", "sampled": True}
    trace |= {name: changes.pop(name) for name in trace.keys() & changes.keys()}
    facts: dict[str, Any] = {
        "session": 1,
        "journey": "search-and-buy",
        "step": "home",
        "scheduled_at": 1000 * SECOND,
        "sent_at": 1000 * SECOND,
        "finished_at": 1000 * SECOND + SECOND // 10,
        "status": 200,
        "error": None,
        "bytes": 10,
        "traceparent": f"00-{trace['trace_id']}-{trace['span_id']}-{'01' if trace['sampled'] else '00'}",
    }
    return StepRecord(**{**facts, **changes})


def batch(*records: StepRecord) -> StepBatch:
    """Return requests as listeners are told of them."""
    return StepBatch(records)


def session_record(**changes: Any) -> SessionRecord:
    """Return a session that was completed."""
    facts: dict[str, Any] = {
        "session": 1,
        "journey": "search-and-buy",
        "scheduled_at": 1000 * SECOND,
        "started_at": 1000 * SECOND,
        "ended_at": 1001 * SECOND,
        "outcome": "completed",
        "reason": None,
        "late_s": 0.0,
    }
    return SessionRecord(**{**facts, **changes})


@dataclass
class Memory:
    """A listener that remembers; `steps` has the record that the last session still holds back, too."""

    written: list[StepRecord] = field(default_factory=list)
    context: SessionContext | None = None
    sessions: list[SessionRecord] = field(default_factory=list)

    @property
    def steps(self) -> list[StepRecord]:
        if self.context is not None:
            for session in self.context.under_way.values():
                session.write_last()
        return self.written

    def steps_ended(self, batch: StepBatch) -> None:
        self.written.extend(batch.rows)

    def session_ended(self, record: SessionRecord) -> None:
        self.sessions.append(record)


class Blocking:
    """A client that never gets an answer."""

    at_proxy = False
    crossing: Crossing | None = None

    def __init__(self) -> None:
        self.under_way = Event()

    def send(self, request: Request, _: object) -> Reply:
        assert request.step
        self.under_way.set()
        Event().wait()
        raise AssertionError("nothing sets that event")

    def beside(self) -> "Blocking":
        return self

    def listener(self) -> Listener:
        raise AssertionError("nobody listens here")

    def close(self) -> None:
        pass


@dataclass
class FakeClient:
    """A client whose replies `answer` makes; it remembers what was sent."""

    answer: Callable[[Request], Reply]
    sent: list[Request] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)
    closed: int = 0
    at_proxy: bool = False
    crossing: Crossing | None = None

    def send(self, request: Request, traceparent: str) -> Reply:
        self.sent.append(request)
        self.traceparents.append(traceparent)
        return self.answer(request)

    def beside(self) -> "FakeClient":
        return self

    def listener(self) -> Listener:
        raise AssertionError("nobody listens here")

    def close(self) -> None:
        self.closed += 1


def ok(body: object = None, status: int = 200) -> Reply:
    """Return a reply that is as it should be."""
    return Reply(status=status, body=json.dumps({} if body is None else body).encode())


NO_CEILING = Ceiling(requests_per_s=100_000, open_sessions=1_000_000, orders=10_000_000)


def worker(
    folder: Path,
    client: Client | None = None,
    *,
    plan: Plan | None = None,
    memory: Memory | None = None,
    ceiling: Ceiling = NO_CEILING,
) -> SessionContext:
    """Return what sessions share, with a ledger in `folder`; requests reach `memory` at once."""
    memory, log, clock = memory or Memory(), StepLog(), Clock.start()
    log.add = memory.written.append
    memory.context = SessionContext(
        plan=plan or small_plan(),
        clock=clock,
        alarms=Alarms(clock),
        hooks=Hooks([memory]),
        log=log,
        ledger=Ledger(folder / "ledger-w0.jsonl"),
        ceilings=Ceilings(ceiling, 0, 1),
        ids=random.Random(5),  # noqa: S311 - a test's luck is the same each time
        new_client=lambda: client or FakeClient(lambda _: ok()),
    )
    return memory.context


def ledger_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of the ledger in `folder`."""
    return [json.loads(line) for line in (folder / "ledger-w0.jsonl").read_text().splitlines()]


STYLES = [
    {"style": "tee-tea", "name": "Made of Tea", "price_cents": 1500},
    {"style": "tee-run", "name": "Runs on Pies", "price_cents": 1700},
]
LOCATIONS = ("warehouse", "store-leeds", "store-york")


@dataclass
class TalkingShop:
    """Answers as docs/contracts.md says; `changed` maps a step to what its reply is instead."""

    stock: int = 50
    unit_cents: int = 1500
    changed: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    cart_cents: int = 0
    orders: int = 0

    def __call__(self, request: Request) -> Reply:
        if request.step in self.replies:
            return self.replies[request.step]
        body = getattr(self, "_" + request.step.replace("-", "_"))(request)
        if request.step in self.changed:
            body = self.changed[request.step](body)
        status = {"design": 201, "checkout": 201}.get(request.step, 200)
        assert status in request.accept
        return ok(body, status)

    def _home(self, request: Request) -> dict[str, Any]:
        assert (request.method, request.path) == ("GET", "/")
        return {"greeting": "Hello", "recommended": STYLES, "categories": ["tees"]}

    def _search(self, request: Request) -> dict[str, Any]:
        query = request.path.removeprefix("/search?q=")
        assert query in {word for style in STYLES for word in str(style["name"]).split()}
        return {"query": query, "results": STYLES}

    def _product(self, request: Request) -> dict[str, Any]:
        style = request.path.removeprefix("/products/")
        assert style in {one["style"] for one in STYLES}
        skus = [
            {"sku": f"{style}-{size}-red", "size": size, "colour": "red", "stock": dict.fromkeys(LOCATIONS, self.stock)}
            for size in ("s", "m", "l")
        ]
        return {"style": style, "name": "Made of Tea", "price_cents": 1500, "skus": skus}

    def _design(self, request: Request) -> dict[str, Any]:
        assert request.body is not None
        assert request.body.keys() == {"style", "colour", "text"}
        return {"design_id": "d1", "preview_url": "/designs/d1.png", "width": 1, "height": 1, "bytes": 1}

    def _cart(self, request: Request) -> dict[str, Any]:
        assert request.body is not None
        lines = [{**line, "unit_cents": self.unit_cents} for line in request.body["lines"]]
        self.cart_cents = sum(line["quantity"] * line["unit_cents"] for line in lines)
        return {"lines": lines, "total_cents": self.cart_cents}

    def _checkout(self, request: Request) -> dict[str, Any]:
        assert request.headers is not None
        assert len(request.headers["Idempotency-Key"]) == 36
        self.orders += 1
        return {"order_id": f"o{self.orders}", "status": "accepted", "total_cents": self.cart_cents, "lines": []}

    def _order_status(self, request: Request) -> dict[str, Any]:
        return {"order_id": request.path.removeprefix("/orders/"), "status": "accepted"}
