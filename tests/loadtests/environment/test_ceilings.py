"""No run asks more of an environment than its ceiling, whatever its plan says, and what it didn't ask is counted."""

import contextlib
import itertools
import json
import random
from collections import Counter
from pathlib import Path

import gevent
import pytest

from loadtests.client.interface import Reply, Request
from loadtests.demand.arrivals import schedule
from loadtests.environment.ceilings import CeilingReachedError, Ceilings
from loadtests.environment.targets import Ceiling
from loadtests.results.account import make_account, read_sessions
from loadtests.results.ledger import Line, OrderReply, read_ledgers
from loadtests.results.run_directory import RunDirectory, read_tables, write_json
from loadtests.results.schemas import REQUESTS
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from loadtests.shopper.session import Session
from loadtests.storefronts.order import Order
from loadtests.worker.job import read_job
from loadtests.worker.worker import Worker
from tests.loadtests import fake_shop
from tests.loadtests.fakes import SECOND, FakeClient, Memory, arrival, ledger_rows, ok, worker
from tests.loadtests.prepared import prepared_run

HOME = Request(step="home", method="GET", path="/")
LINES = (Line(sku="tee-s", quantity=1, location="warehouse"),)


def ceiling(requests_per_s: float = 1000, orders: int = 1000) -> Ceiling:
    return Ceiling(requests_per_s=requests_per_s, open_sessions=100, orders=orders)


def sent(ceilings: list[Ceilings], moments: list[int]) -> list[int]:
    """Return when requests were let through that every worker wanted to send at every one of `moments`."""
    through = []
    for now, one in itertools.product(moments, ceilings):
        with contextlib.suppress(CeilingReachedError):
            one.take_request(now)
            through.append(now)
    return through


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("rate", [0.25, 1, 1.5, 5, 7.9, 10, 50])
def test_all_workers_together_never_send_more_in_any_one_second_than_the_ceiling_says(
    rate: float, workers: int
) -> None:
    luck = random.Random(11)  # noqa: S311 - a test's luck is the same each time
    moments = sorted(luck.randrange(40 * SECOND) for _ in range(3000))
    through = sent([Ceilings(ceiling(rate), index, workers) for index in range(workers)], moments)
    if rate >= workers:
        busiest = max(sum(at <= other < at + SECOND for other in through) for at in through)
        assert busiest <= rate
        assert len(through) >= 0.8 * int(rate) * 40
    else:  # one in `workers / rate` seconds each
        assert len(through) <= workers * (40 * rate / workers + 1)


def test_a_burst_after_a_long_rest_is_no_greater() -> None:
    one = Ceilings(ceiling(5), 0, 1)
    assert sent([one], [3600 * SECOND] * 50) == [3600 * SECOND] * 5
    assert sent([one], [3601 * SECOND - 1] * 5) == []
    assert sent([one], [3601 * SECOND] * 50) == [3601 * SECOND] * 5


@pytest.mark.parametrize(("orders", "workers"), [(0, 1), (1, 4), (7, 3), (10, 4), (3, 16)])
def test_the_workers_orders_add_up_to_the_ceiling_s(orders: int, workers: int) -> None:
    taken = 0
    for index in range(workers):
        one = Ceilings(ceiling(orders=orders), index, workers)
        for _ in range(20):
            with contextlib.suppress(CeilingReachedError):
                one.take_order()
                taken += 1
        assert one.refused == Counter(ceiling_orders=20 - (orders // workers + (index < orders % workers)))
    assert taken == orders


def test_a_request_over_the_ceiling_is_neither_sent_nor_recorded(tmp_path: Path) -> None:
    memory, client = Memory(), FakeClient(lambda _: ok())
    shared = worker(tmp_path, client, memory=memory, ceiling=ceiling(2))
    session = Session(shared, arrival(), shared.clock.now())
    session.step(HOME)
    session.step(HOME)
    with pytest.raises(CeilingReachedError, match=r"^ceiling_requests$"):
        session.step(HOME)
    assert (len(client.sent), len(memory.steps)) == (2, 2)


def test_an_order_over_the_ceiling_is_no_attempt(tmp_path: Path) -> None:
    shared = worker(tmp_path, ceiling=ceiling(orders=1))
    session = Session(shared, arrival(), shared.clock.now())
    session.end_order(session.begin_order(LINES, 1), "accepted", OrderReply(status=201, order_id="o1", total_cents=1))
    with pytest.raises(CeilingReachedError, match=r"^ceiling_orders$"):
        session.begin_order(LINES, 1)
    assert [row["event"] for row in ledger_rows(tmp_path)] == ["attempt", "outcome"]


def test_an_order_whose_request_may_not_be_sent_is_no_attempt_either(tmp_path: Path) -> None:
    client = FakeClient(lambda _: ok())
    shared = worker(tmp_path, client, ceiling=ceiling(1))
    session = Session(shared, arrival(), shared.clock.now())
    session.step(HOME)
    with pytest.raises(CeilingReachedError, match=r"^ceiling_requests$"):
        session.begin_order(LINES, 1)
    assert (ledger_rows(tmp_path), len(client.sent)) == ([], 1)


def test_an_order_takes_leave_for_one_request_and_a_second_one_asks_again(tmp_path: Path) -> None:
    client = FakeClient(lambda _: Reply(status=200, body=b"{}"))
    shared = worker(tmp_path, client, ceiling=ceiling(1))
    session = Session(shared, arrival(), shared.clock.now())

    def place() -> None:
        with Order(session, LINES, 1, None, None):
            session.step(HOME)
            session.step(HOME)

    with pytest.raises(CeilingReachedError):
        place()
    assert [row.get("reason") for row in ledger_rows(tmp_path)] == [None, "ceiling_requests"]
    assert len(client.sent) == 1


def lowered(directory: RunDirectory, **changes: float) -> RunDirectory:
    """Change the ceiling in a prepared run, as if the plan had been worked out wrongly."""
    data = json.loads(directory.targets.read_text())
    data["environments"]["lab"]["ceiling"].update(changes)
    write_json(directory.targets, data)
    return directory


def play(directory: RunDirectory, workers: int) -> None:
    job, started_at = read_job(directory.path), Clock.start().now()
    with gevent.Timeout(60):
        players = [Worker(job, index, workers, started_at) for index in range(workers)]
        gevent.joinall([gevent.spawn(player.play) for player in players], raise_error=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_plan_over_the_ceiling_is_cut_down_to_it_and_the_account_adds_up(tmp_path: Path, workers: int) -> None:
    with fake_shop.running() as shop:
        directory = lowered(prepared_run(tmp_path, shop.url), requests_per_s=6)
        play(directory, workers)
        asked = len(shop.asked)
    job = read_job(directory.path)
    requests = read_tables(directory.parts("requests"), REQUESTS)
    told = read_workers(directory)
    account = make_account(schedule(job.plan), read_sessions(directory), told, workers_expected=workers, ran_s=2.0)
    moments = requests["sent_at"].to_pylist()
    assert max(sum(at <= other < at + SECOND for other in moments) for at in moments) <= 6
    assert asked == requests.num_rows
    assert set(account.dropped) == {"ceiling_requests"}
    assert account.completed + account.dropped["ceiling_requests"] == account.planned == len(schedule(job.plan))
    assert (account.failed, account.cut_off, account.lost) == (0, 0, {})
    assert sum(worker.errors for worker in told) == 0


def test_orders_over_the_ceiling_are_not_attempted_and_the_account_adds_up(tmp_path: Path) -> None:
    with fake_shop.running() as shop:
        directory = lowered(prepared_run(tmp_path, shop.url), orders=2)
        play(directory, 1)
        placed = sum(path == "/checkout" for _, path in shop.asked)
    job = read_job(directory.path)
    told = read_workers(directory)
    account = make_account(schedule(job.plan), read_sessions(directory), told, workers_expected=1, ran_s=2.0)
    assert placed == len(read_ledgers(directory.ledgers())) == 2
    assert set(account.dropped) == {"ceiling_orders"}
    assert account.completed + account.dropped["ceiling_orders"] == account.planned


def test_a_ceiling_of_no_orders_lets_shoppers_look(tmp_path: Path) -> None:
    with fake_shop.running() as shop:
        directory = lowered(prepared_run(tmp_path, shop.url), orders=0)
        play(directory, 1)
        paths = {path for _, path in shop.asked}
    assert "/checkout" not in paths
    assert "/cart" in paths
    assert read_ledgers(directory.ledgers()) == ()
