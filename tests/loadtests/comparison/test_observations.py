"""What the records say of each block of a comparison."""

import json
import math
from pathlib import Path

import pyarrow as pa
import pytest

from loadtests.comparison.compared import Compared
from loadtests.comparison.job import BlockEntry, ComparisonJob, DesignEntry, VariantEntry
from loadtests.comparison.observations import NOT_YET, observe
from loadtests.results.run_directory import write_table
from loadtests.results.schemas import REQUESTS, SESSIONS
from slo.documents import BadInput
from slo.objectives.indicators import NEVER_JUDGED
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measure, Pair, Value
from slo.regression.settings import ComparisonSettings

SETTINGS, S = ComparisonSettings(), 1_000_000_000
FAST = latency_measure("fast", ("home",), SETTINGS)
GOOD = error_measure("good", ("home",), 0.01, SETTINGS)
ORDERS = orders_measure((), SETTINGS)
BEGAN = 1000 * S
Row = tuple[int | str | None, ...]


def job(*order: str, run: str = "run", invalid: dict[int, str] | None = None) -> ComparisonJob:
    blocks = [
        BlockEntry.model_validate(
            {
                "pair": number // 2 + 1,
                "variant": variant,
                "run": run,
                "starts_at": BEGAN + number * 30 * S,
                "ends_at": BEGAN + (number + 1) * 30 * S,
                "invalid_because": (invalid or {}).get(number),
            }
        )
        for number, variant in enumerate(order)
    ]
    a, b = VariantEntry(variant="a", label="a"), VariantEntry(variant="b", label="b")
    design = DesignEntry(looks=(4,), block_s=30, skip_s=5)
    return ComparisonJob(name="job", how="variants", a=a, b=b, design=design, blocks=tuple(blocks))


def request(session: int, at_s: float, took_s: float = 0.1, error: str | None = None, step: str = "home") -> Row:
    at = BEGAN + round(at_s * S)
    return (session, "buy", step, at, at, at + round(took_s * S), 200, error, 1, "")


class World:
    def __init__(self, runs: Path) -> None:
        self.runs, self.folder = runs, runs / "run"
        self.folder.mkdir(parents=True)

    def write(self, *requests: Row, part: int = 0) -> None:
        columns = list(zip(*requests, strict=True))
        arrays = [pa.array(c, field.type) for c, field in zip(columns, REQUESTS, strict=True)]
        write_table(self.folder / f"requests-w0-{part}.parquet", pa.table(arrays, schema=REQUESTS))

    def write_sessions(self, *sessions: tuple[int, float, str]) -> None:
        rows = [
            (number, "buy", BEGAN + round(at * S), BEGAN, BEGAN, outcome, None, 0.0) for number, at, outcome in sessions
        ]
        columns = list(zip(*rows, strict=True))
        arrays = [pa.array(c, field.type) for c, field in zip(columns, SESSIONS, strict=True)]
        write_table(self.folder / "sessions-w0-0.parquet", pa.table(arrays, schema=SESSIONS))

    def observed(self, of: ComparisonJob, *measures: Measure) -> list[Pair]:
        compared = Compared(measures=measures, counters={}, left_out=())
        return [pair for one in observe(of, self.runs, compared) for pair in one.pairs]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_block_has_the_quantile_of_its_own_sessions_requests_from_the_skip_on(world: World) -> None:
    world.write(
        request(1, 1.0, 9.0),  # in the skip
        request(2, 6.0, 0.2),
        request(3, 7.0, 0.4),
        request(4, 29.9, 0.1),
        request(4, 36.0, 9.0),  # of A's session, in B's block
        request(5, 40.0, 0.5),
    )
    (pair,) = world.observed(job("a", "b"), FAST)
    assert (pair.a, pair.b) == (Value(value=0.4, events=3), Value(value=0.5, events=1))


def test_a_session_that_lives_on_counts_in_the_next_block_of_its_release(world: World) -> None:
    world.write(request(1, 10.0), request(2, 40.0), request(2, 70.0, 0.3), request(3, 95.0))
    pairs = world.observed(job("a", "b", "b", "a"), FAST)
    assert [pair.b.value for pair in pairs] == [0.1, 0.3]


def test_a_session_of_the_warm_up_belongs_to_no_block(world: World) -> None:
    world.write(request(1, -2.0), request(1, 10.0, 9.0), request(2, 11.0), request(3, 40.0))
    (pair,) = world.observed(job("a", "b"), FAST)
    assert pair.a == Value(value=0.1, events=1)


def test_a_failed_request_at_the_quantile_makes_the_latency_infinite(world: World) -> None:
    world.write(request(1, 10.0, 0.1, "http_5xx"), request(2, 40.0))
    (pair,) = world.observed(job("a", "b"), FAST)
    assert (pair.a.value, pair.b.value) == (math.inf, 0.1)


@pytest.mark.parametrize("error", NEVER_JUDGED)
@pytest.mark.parametrize(
    ("measure", "most"), [(GOOD, 1), (FAST, 3), (error_measure("server", (), 0.01, SETTINGS, source="prometheus"), 1)]
)
def test_a_block_that_lost_more_requests_on_the_way_than_its_budget_bears_has_no_value(
    world: World, error: str, measure: Measure, most: int
) -> None:
    good = [*(request(1, 10.0) for _ in range(300)), *(request(2, 40.0) for _ in range(300))]
    lost = [request(3, 41.0, 0.1, error) for _ in range(most + 1)]
    elsewhere = [request(3, 42.0, 0.1, error, "cart") for _ in range(9)] if measure.steps else []
    world.write(*good, *lost[:most], *elsewhere)
    (before,) = world.observed(job("a", "b"), measure)
    world.write(lost[most], part=1)
    (pair,) = world.observed(job("a", "b"), measure)
    assert (before.b.because or "").find("blocked") == -1
    assert pair.a == before.a
    assert (pair.b.value, pair.b.events) == (None, 300)
    assert f"{most + 1} of its {301 + most} requests were blocked" in (pair.b.because or "")


def test_orders_of_a_block_that_lost_requests_on_the_way_are_not_compared(world: World) -> None:
    world.write(request(1, 10.0, 0.1, "proxy"), request(2, 40.0))
    world.write_sessions((1, 10.0, "failed"), (2, 40.0, "completed"))
    (world.folder / "ledger-w0.jsonl").write_text("")
    (pair,) = world.observed(job("a", "b"), ORDERS)
    assert (pair.a.value, pair.b.value) == (None, 0.0)
    assert "over 1 %" in (pair.a.because or "")


def test_errors_leave_out_what_was_cut_off_soon(world: World) -> None:
    world.write(
        request(2, 10.0, 2.0, "cut_off"),
        request(3, 10.0, 12.0, "cut_off"),
        request(4, 10.0),
        request(5, 40.0),
    )
    (pair,) = world.observed(job("a", "b"), GOOD)
    assert (pair.a, pair.b) == (Value(value=0.5, events=2), Value(value=0.0, events=1))


def test_a_block_without_a_request_is_unknown_and_never_good(world: World) -> None:
    world.write(request(1, 10.0))
    (pair,) = world.observed(job("a", "b"), GOOD)
    assert (pair.b.value, pair.b.because) == (None, "no request of it was recorded in the block")


def test_a_block_that_met_another_release_is_unknown(world: World) -> None:
    world.write(request(1, 10.0), request(2, 40.0))
    (pair,) = world.observed(job("a", "b", invalid={1: "its probe named 3"}), GOOD)
    assert pair.b == Value(value=None, events=0, because="its probe named 3")


def test_a_pair_of_which_one_block_was_played_is_no_pair(world: World) -> None:
    world.write(request(1, 10.0))
    assert world.observed(job("a", "b", "a"), GOOD)[1:] == []


def test_orders_count_by_session_that_began_in_the_block(world: World) -> None:
    world.write(request(1, 10.0), request(2, 11.0), request(3, 40.0), request(4, 2.0))
    world.write_sessions(
        *((1, 10.0, "completed"), (2, 11.0, "failed"), (3, 40.0, "completed"), (4, 2.0, "completed")),
        (9, 12.0, "dropped"),
    )
    rows = [
        {"event": "attempt", "key": "x", "session": 1},
        {"event": "outcome", "key": "x", "outcome": "accepted"},
        {"event": "attempt", "key": "y", "session": 3},
        {"event": "outcome", "key": "y", "outcome": "refused"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"event": "att'
    (world.folder / "ledger-w0.jsonl").write_text(text)
    (pair,) = world.observed(job("a", "b"), ORDERS)
    assert (pair.a, pair.b) == (Value(value=0.5, events=2), Value(value=0.0, events=1))


def test_orders_are_unknown_while_sessions_of_the_block_are_under_way(world: World) -> None:
    world.write(request(1, 10.0), request(2, 11.0), request(3, 40.0))
    world.write_sessions((1, 10.0, "completed"), (3, 40.0, "cut_off"))
    (pair,) = world.observed(job("a", "b"), ORDERS)
    assert pair.a.because == "1 of its 2 sessions hadn't come to their end"
    assert (pair.b.value, pair.b.events) == (None, 1)


def test_a_ledger_that_is_none_is_refused_with_its_line(world: World) -> None:
    world.write(request(1, 10.0))
    (world.folder / "ledger-w0.jsonl").write_text("[]\n")
    with pytest.raises(BadInput, match="line 1: no row of a ledger"):
        world.observed(job("a", "b"), ORDERS)


def test_a_look_counts_the_servers_measures_among_all_without_a_value(world: World) -> None:
    world.write(request(1, 10.0), request(2, 40.0))
    server = error_measure("server", ("home",), 0.01, SETTINGS, source="prometheus")
    compared = Compared(measures=(GOOD, server), counters={}, left_out=())
    good, unknown = observe(job("a", "b"), world.runs, compared, live=True)
    assert good.pairs[0].a.value == 0.0
    assert (unknown.measure, [(one.a, one.b) for one in unknown.pairs]) == (server, [(NOT_YET, NOT_YET)])
