"""A shopper's visit stands on two clocks: when a step was wanted, and when it was sent."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from loadtests.client.errors import CutOffError
from loadtests.client.interface import Reply, Request
from loadtests.environment.tagging import shopper_headers
from loadtests.environment.targets import Tagging
from loadtests.shopper.session import Session, in_flight
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.fakes import SECOND, Blocking, FakeClient, Memory, arrival, ok, small_plan, worker

HOME = Request(step="home", method="GET", path="/")
CART = Request(step="cart", method="POST", path="/cart")


def session_of(shared: SessionContext, seed: int = 1) -> Session:
    return Session(shared, arrival(number=3, seed=seed), shared.clock.now())


def test_a_reply_that_lay_here_before_it_was_read_ended_when_it_came(tmp_path: Path) -> None:
    client, memory = FakeClient(lambda _: ok()._replace(read_delay_ns=1_000_000_000_000)), Memory()
    shared = worker(tmp_path, client, memory=memory)
    session = session_of(shared)
    session.step(CART)
    (late,) = memory.steps
    assert late.finished_at == late.sent_at  # it can't have come before it was asked for
    client.answer = lambda _: ok()._replace(read_delay_ns=1)
    before = shared.clock.now()
    session.step(CART)
    assert before - 1 <= memory.steps[1].finished_at == session.due_at < shared.clock.now()


def test_what_waited_for_a_connection_was_sent_when_it_had_one(tmp_path: Path) -> None:
    def leave(_: Request) -> Reply:
        raise CutOffError(5 * SECOND)

    client, memory = FakeClient(lambda _: ok()._replace(waited_ns=5 * SECOND)), Memory()
    shared = worker(tmp_path, client, memory=memory)
    session = session_of(shared)
    before = shared.clock.now()
    session.step(CART)
    session.fetch(client, HOME, before)
    client.answer = leave
    with pytest.raises(gevent.GreenletExit):
        session.step(CART)
    with pytest.raises(gevent.GreenletExit):
        session.fetch(client, HOME, before)
    client.answer = lambda _: ok()
    session.step(CART)
    *waited, at_once = memory.steps
    assert [row.error for row in waited] == [None, None, "cut_off", "cut_off"]
    assert min(row.sent_at for row in waited) >= before + 5 * SECOND
    assert at_once.sent_at < before + 5 * SECOND


def test_a_first_step_is_scheduled_at_the_arrival_and_a_later_one_when_the_shopper_has_thought(tmp_path: Path) -> None:
    memory = Memory()
    shared = worker(tmp_path, memory=memory)
    scheduled_at = shared.clock.now() - 2 * SECOND
    session, twin = (Session(shared, arrival(number=n, seed=9), scheduled_at) for n in range(2))
    session.step(HOME)
    session.think()
    session.step(CART)
    thought_s = small_plan().think_time.draw(twin.random)
    home, cart = memory.steps
    assert home.scheduled_at == scheduled_at
    assert cart.scheduled_at == home.finished_at + round(1e9 * thought_s)


def test_a_step_without_thought_is_wanted_at_the_previous_reply_s_end(tmp_path: Path) -> None:
    memory = Memory()
    session = session_of(worker(tmp_path, memory=memory))
    session.step(HOME)
    session.step(CART)
    assert memory.steps[1].scheduled_at == memory.steps[0].finished_at


def test_a_step_is_never_sent_before_it_is_due(tmp_path: Path) -> None:
    memory = Memory()
    shared = worker(tmp_path, memory=memory)
    session = Session(shared, arrival(), shared.clock.now() + SECOND // 20)
    session.step(HOME)
    (record,) = memory.steps
    assert record.scheduled_at <= record.sent_at <= record.finished_at


def test_a_late_start_counts_as_waiting_and_not_as_the_shop_s_work(tmp_path: Path) -> None:
    memory = Memory()
    shared = worker(tmp_path, memory=memory)
    Session(shared, arrival(), shared.clock.now() - 60 * SECOND).step(HOME)
    (record,) = memory.steps
    assert record.lag_s >= 60
    assert record.response_s == pytest.approx(record.lag_s + record.service_s)


def due_times(folder: Path, seed: int, count: int = 200) -> list[int]:
    shared = dataclasses.replace(worker(folder), plan=small_plan())
    session = Session(shared, arrival(seed=seed), 0)
    pauses = []
    for _ in range(count):
        before = session.due_at
        session.think()
        pauses.append(session.due_at - before)
    return pauses


def test_think_times_are_the_same_for_the_same_seed_and_bounded(tmp_path: Path) -> None:
    one = due_times(tmp_path, 1)
    assert one == due_times(tmp_path, 1)
    assert one != due_times(tmp_path, 2)
    assert 0 < min(one) <= max(one) <= round(1e9 * small_plan().think_time.max_s)


def test_the_longest_pause_is_the_plan_s(tmp_path: Path) -> None:
    shared = worker(tmp_path, plan=small_plan(think_time={"median_s": 1, "sigma": 3, "max_s": 1}))
    session = Session(shared, arrival(), 0)
    for _ in range(100):
        session.think()
    assert session.due_at <= 100 * SECOND


def test_a_step_is_recorded_with_its_reply_and_its_trace(tmp_path: Path) -> None:
    memory, client = Memory(), FakeClient(lambda _: Reply(status=200, body=b"12345"))
    shared = worker(tmp_path, client, memory=memory)
    told = session_of(shared).step(HOME)
    (record,) = memory.steps
    assert told == Reply(status=200, body=b"12345")
    assert (record.session, record.journey, record.step) == (3, "search-and-buy", "home")
    assert (record.status, record.error, record.bytes) == (200, None, 5)
    assert client.traceparents == [f"00-{record.trace_id}-{record.span_id}-01"]


def test_a_step_is_under_way_while_it_is_sent_and_not_after(tmp_path: Path) -> None:
    seen: list[list[tuple[str, int]]] = []

    def answer(_: Request) -> Reply:
        seen.append(in_flight(shared.under_way))
        return ok()

    shared = worker(tmp_path, FakeClient(answer))
    session = session_of(shared)
    due_at = session.due_at
    assert in_flight(shared.under_way) == []
    session.step(HOME)
    assert (seen, in_flight(shared.under_way)) == ([[("home", due_at)]], [])
    assert list(shared.under_way.values()) == [session]
    session.close()
    assert shared.under_way == {}


@pytest.mark.parametrize(
    "error", ["timeout", "connection", "protocol", "http_5xx", "graphql", "blocked", "redirected_away"]
)
def test_an_error_ends_the_visit_and_is_recorded(tmp_path: Path, error: str) -> None:
    memory = Memory()
    client = FakeClient(lambda _: Reply(status=503, error=error))
    session = session_of(worker(tmp_path, client, memory=memory))
    with pytest.raises(SessionFailedError) as failure:
        session.step(HOME)
    assert str(failure.value) == f"home: {error}"
    assert [(record.status, record.error) for record in memory.steps] == [(503, error)]


def lie(error: Exception) -> Callable[[Reply], object]:
    def check(_: Reply) -> object:
        raise error

    return check


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        IndexError(),
        TypeError("x"),
        AttributeError("x"),
        OverflowError("x"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    ],
)
def test_a_reply_that_cannot_be_read_is_a_wrong_reply(tmp_path: Path, error: Exception) -> None:
    memory = Memory()
    session = session_of(worker(tmp_path, memory=memory))
    with pytest.raises(SessionFailedError) as failure:
        session.step(HOME, lie(error))
    assert str(failure.value) == "home: wrong_reply"
    assert [(record.status, record.error) for record in memory.steps] == [(200, "wrong_reply")]


def test_a_reply_that_is_an_error_already_is_not_checked(tmp_path: Path) -> None:
    session = session_of(worker(tmp_path, FakeClient(lambda _: Reply(error="timeout"))))
    with pytest.raises(SessionFailedError, match=r"^home: timeout$"):
        session.step(HOME, lie(AssertionError("checked")))


def test_a_step_that_is_under_way_when_the_run_ends_is_recorded_as_cut_off(tmp_path: Path) -> None:
    memory, client = Memory(), Blocking()
    shared = worker(tmp_path, client, memory=memory)
    greenlet = gevent.spawn(session_of(shared).step, HOME)
    assert client.under_way.wait(10)
    greenlet.kill()
    (record,) = memory.steps
    assert (record.status, record.error, in_flight(shared.under_way)) == (0, "cut_off", [])
    assert record.sent_at <= record.finished_at


def test_a_shopper_who_was_still_thinking_when_the_run_ended_sent_nothing(tmp_path: Path) -> None:
    memory, client = Memory(), FakeClient(lambda _: ok())
    shared = worker(tmp_path, client, memory=memory)
    greenlet = gevent.spawn(Session(shared, arrival(), shared.clock.now() + 3600 * SECOND).step, HOME)
    gevent.sleep(0)
    greenlet.kill()
    assert (client.sent, memory.steps) == ([], [])


def test_a_run_s_requests_say_that_they_are_a_test_s() -> None:
    assert shopper_headers("r1", "0.1.0", Tagging()) == {
        "User-Agent": "peakproof/0.1.0",
        "X-Peakproof-Run": "r1",
        "Accept": "application/json",
    }


def test_the_tag_may_have_another_name_and_go_on_behind_the_shop_as_baggage() -> None:
    headers = shopper_headers("20261127T000000Z-peak-ab12", "0.1.0", Tagging(header="X-Load-Test", baggage=True))
    assert headers == {
        "User-Agent": "peakproof/0.1.0",
        "X-Load-Test": "20261127T000000Z-peak-ab12",
        "Accept": "application/json",
        "baggage": "peakproof.run=20261127T000000Z-peak-ab12",
    }


def test_a_shopper_s_connection_is_closed_with_the_visit(tmp_path: Path) -> None:
    client = FakeClient(lambda _: ok())
    session_of(worker(tmp_path, client)).close()
    assert client.closed == 1


# -- redirects ----------------------------------------------------------------------------------------------------

BUY = Request(step="checkout", method="POST", path="/checkout", form={"a": "b"}, follow="thanks")


def test_a_page_that_a_redirect_leads_to_is_a_step_of_its_own_and_the_check_s(tmp_path: Path) -> None:
    memory, checked = Memory(), list[Reply]()
    client = FakeClient(lambda request: Reply(302, location="/thanks") if request.form else Reply(200, b"thanks"))
    session = session_of(worker(tmp_path, client, memory=memory))
    assert session.step(BUY, checked.append) == Reply(200, b"thanks")
    assert client.sent == [BUY, BUY._replace(step="thanks", method="GET", path="/thanks", form=None)]
    assert [(record.step, record.status, record.error) for record in memory.steps] == [
        ("checkout", 302, None),
        ("thanks", 200, None),
    ]
    assert memory.steps[1].scheduled_at == memory.steps[0].finished_at
    assert checked == [Reply(200, b"thanks")]


def test_redirects_without_end_are_a_wrong_reply_after_ten_and_say_where(tmp_path: Path) -> None:
    memory, client = Memory(), FakeClient(lambda _: Reply(302, location="/again"))
    context, told = worker(tmp_path, client, memory=memory), list[str]()
    object.__setattr__(context, "unexpected", lambda _session, _request, _reply, why: told.append(why))
    with pytest.raises(SessionFailedError, match=r"^thanks: wrong_reply$"):
        session_of(context).step(BUY)
    assert told == ["over 10 redirects, the last from shop to shop"]
    assert [record.error for record in memory.steps] == [None] * 10 + ["wrong_reply"]


def test_an_error_behind_a_redirect_ends_the_visit(tmp_path: Path) -> None:
    memory = Memory()
    client = FakeClient(lambda request: Reply(302, location="/x") if request.form else Reply(500, error="http_5xx"))
    session = session_of(worker(tmp_path, client, memory=memory))
    with pytest.raises(SessionFailedError, match="thanks: http_5xx"):
        session.step(BUY)
    assert [record.error for record in memory.steps] == [None, "http_5xx"]


def test_a_redirect_that_nobody_follows_is_left_as_it_is(tmp_path: Path) -> None:
    client = FakeClient(lambda _: Reply(302, location="/x"))
    request = BUY._replace(follow=None, accept=frozenset({302}))
    assert session_of(worker(tmp_path, client)).step(request) == Reply(302, location="/x")
    assert client.sent == [request]
