"""A visit that listens: what is awaited is recorded on the clock of the steps, and nobody is kept waiting for good."""

import contextlib
import dataclasses
import gc
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.client.interface import Event, Received, Request
from loadtests.client.shared_pool import Pool, SharingClient
from loadtests.client.sockets.deadlines import deadlines
from loadtests.client.sse.event_stream import EventStream
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.shopper import push_events as module
from loadtests.shopper.assets import Assets, source_of
from loadtests.shopper.hosts import OnlyHost
from loadtests.shopper.session import Session, in_flight
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import SessionFailedError
from tests.loadtests.client.shoppers import GET, closing, in_turn, wait_for
from tests.loadtests.fakes import NO_CEILING, SECOND, Memory, arrival, worker
from tests.loadtests.hostile_http2 import HostileHttp2, Talk
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply

STREAM = Request(step="order-stream", method="GET", path="/orders/o1/events")
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
GONE = reply(b"", status="204 No Content")
SOON = b"retry: 1\n\n"


def paid(event: Event) -> bool:
    return event.type == "paid"


def staying(data: bytes) -> Answer:
    """Return an answer after which the server says nothing more and waits for the other side to go."""

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(data)
        return connection.recv(1) != b""

    return answer


class Visit:
    """A session at a server of one's own making, and what was recorded of it."""

    def __init__(
        self, folder: Path, answer: Answer | bytes, *, requests_per_s: float = 1000, shared: bool = False
    ) -> None:
        self.server = HostileServer(answer).__enter__()
        access = Access(base_url=self.server.url, addresses=("127.0.0.1",), headers={})
        self.pool = Pool(1)
        self.memory = Memory()
        ceiling = NO_CEILING.model_copy(update={"requests_per_s": requests_per_s})
        one = SharingClient(access, 5, self.pool) if shared else ShopperClient(access, 5)
        self.worker: SessionContext = worker(folder, one, memory=self.memory, ceiling=ceiling)
        self.session = Session(self.worker, arrival(number=3), self.worker.clock.now())

    def rows(self) -> list[tuple[str, int, str | None]]:
        return [(row.step, row.status, row.error) for row in self.memory.steps]

    def end(self) -> None:
        self.session.close()
        self.pool.close()
        self.server.__exit__(None, None, None)


Start = Callable[..., Visit]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    visits: list[Visit] = []

    def begin(answer: Answer | bytes, **told: object) -> Visit:
        visits.append(Visit(tmp_path, answer, **told))  # type: ignore[arg-type]  # as the tests tell it
        return visits[-1]

    yield begin
    for visit in visits:
        visit.end()
    visits.clear()
    gc.collect()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_RETRY_S", 0.001)


def test_each_event_that_is_awaited_is_a_row_on_the_clock_of_the_steps(start: Start) -> None:
    visit = start(staying(OPEN + b"event: paid\ndata: 12345\n\nevent: shipped\ndata:\n\n"))
    visit.session.listen(STREAM)
    assert visit.session.hear("order-paid", paid).data == "12345"
    visit.session.due_at += SECOND // 100
    visit.session.hear("order-shipped", lambda event: event.type == "shipped")
    opening, first, second = visit.memory.steps
    assert visit.rows() == [("order-stream", 200, None), ("order-paid", 200, None), ("order-shipped", 200, None)]
    assert [row.bytes for row in visit.memory.steps] == [0, 5, 0]
    assert first.scheduled_at == opening.finished_at
    assert second.scheduled_at == first.finished_at + SECOND // 100
    assert second.sent_at == second.finished_at  # it was there before it was waited for
    assert {row.trace_id for row in visit.memory.steps} == {opening.trace_id}
    assert [row.sampled for row in visit.memory.steps] == [True, False, False]


def test_who_waits_is_in_flight_and_what_else_comes_is_kept(start: Start) -> None:
    told: list[socket.socket] = []

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(OPEN)
        told.append(connection)
        return connection.recv(1) != b""

    visit = start(answer)
    visit.session.listen(STREAM)
    waiting = gevent.spawn(visit.session.hear, "order-paid", paid)
    wait_for(lambda: in_flight(visit.worker.under_way) == [("order-paid", visit.session.due_at)])
    told[0].sendall(b"event: printed\ndata: 0\n\nevent: paid\ndata: 1\n\n")
    waiting.join()
    assert in_flight(visit.worker.under_way) == []
    assert visit.session.due_at == visit.memory.steps[1].finished_at <= visit.worker.clock.now()
    assert visit.session.hear("order-printed", lambda event: event.type == "printed").data == "0"


def test_an_event_that_lay_here_before_it_was_read_ended_when_it_came(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(self: EventStream, wait: Any = EventStream.receive) -> Received | None:
        received: Received | None = wait(self)
        return received and received._replace(read_delay_ns=3600 * SECOND)

    sent = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(OPEN)
        sent.wait(10)
        connection.sendall(b"event: paid\ndata:\n\n")
        return connection.recv(1) != b""

    monkeypatch.setattr(EventStream, "receive", receive)
    visit = start(answer)
    visit.session.listen(STREAM)
    sent.set()
    visit.session.hear("order-paid", paid)
    row = visit.memory.steps[1]
    assert row.finished_at == row.sent_at  # never before it was waited for


def test_an_event_that_never_comes_is_a_timeout_and_the_visit_ends_there(start: Start) -> None:
    visit = start(staying(OPEN + b": keep-alive\n\n"))
    visit.session.listen(STREAM)
    with pytest.raises(SessionFailedError, match="order-paid: timeout"):
        visit.session.hear("order-paid", paid, 0.01)
    assert visit.rows() == [("order-stream", 200, None), ("order-paid", 0, "timeout")]
    assert not [one for one in deadlines()._open if isinstance(one, module._EventWait)]


def test_a_stream_that_cannot_be_opened_ends_the_visit(start: Start) -> None:
    visit = start(reply(b"{}"))
    with pytest.raises(SessionFailedError, match="order-stream: wrong_reply"):
        visit.session.listen(STREAM)
    assert visit.rows() == [("order-stream", 200, "wrong_reply")]


def test_nothing_can_be_heard_before_it_is_listened_to(start: Start) -> None:
    with pytest.raises(ValueError, match="no event stream is open"):
        start(b"").session.hear("order-paid", paid)


def test_what_a_reader_cannot_read_is_a_wrong_reply(start: Start) -> None:
    visit = start(staying(OPEN + b"data: [\n\n"))
    visit.session.listen(STREAM)
    with pytest.raises(SessionFailedError, match="order-paid: wrong_reply"):
        visit.session.hear("order-paid", lambda event: bool(int(event.data)))
    assert visit.rows()[1] == ("order-paid", 0, "wrong_reply")


@pytest.mark.usefixtures("hasty")
def test_a_stream_that_ends_is_opened_again_where_it_was_and_each_time_is_a_row(start: Start) -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    visit = start(
        in_turn(
            closing(OPEN + b"retry: 1\nid: 7\ndata: a\n\n"),
            closing(broken),
            closing(b""),
            staying(OPEN + b"event: paid\ndata:\n\n"),
        )
    )
    visit.session.listen(STREAM)
    visit.session.hear("order-paid", paid)
    assert [row for row in visit.rows() if row[0] == "order-stream"] == [
        ("order-stream", 200, None),
        ("order-stream", 200, None),
        ("order-stream", 0, "connection"),
        ("order-stream", 200, None),
    ]
    assert [seen.headers.get("last-event-id") for seen in visit.server.seen] == [None, "7", "7", "7"]
    assert all(row.scheduled_at <= row.sent_at <= row.finished_at for row in visit.memory.steps)


def test_the_stream_says_how_long_to_wait_before_it_is_asked_for_again(start: Start) -> None:
    visit = start(in_turn(closing(OPEN + b"retry: 200\n\n"), staying(OPEN + b"event: paid\ndata:\n\n")))
    visit.session.listen(STREAM)
    visit.session.hear("order-paid", paid)
    first, again = (row for row in visit.memory.steps if row.step == "order-stream")
    assert again.scheduled_at >= first.finished_at + SECOND // 5


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("second", "error", "row"),
    [
        (GONE, "wrong_reply", (204, None)),
        (reply(status="404 Not Found"), "http_4xx", (404, "http_4xx")),
        (reply(b"{}"), "wrong_reply", (200, "wrong_reply")),
        (reply(status="503 Busy"), "http_5xx", (503, "http_5xx")),
        (b"nonsense\r\n\r\n", "protocol", (0, "protocol")),
    ],
)
def test_what_stops_a_stream_for_good_is_what_is_told_of_who_waits(
    start: Start, second: bytes, error: str, row: tuple[int, str | None]
) -> None:
    visit = start(in_turn(closing(OPEN + SOON), closing(second)))
    visit.session.listen(STREAM)
    for _ in range(2):  # who comes later needn't wait for it
        with pytest.raises(SessionFailedError, match=f"order-paid: {error}"):
            visit.session.hear("order-paid", paid)
    assert [(status, error) for step, status, error in visit.rows() if step == "order-stream"] == [(200, None), row]
    assert len(visit.server.seen) == 2


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("left", [b"", OPEN])
def test_a_stream_is_opened_again_so_often_and_no_more(
    start: Start, monkeypatch: pytest.MonkeyPatch, left: bytes
) -> None:
    monkeypatch.setattr(module, "MAX_REOPENINGS", 3)
    visit = start(in_turn(closing(OPEN + SOON), *[closing(left)] * 9))
    visit.session.listen(STREAM)
    with pytest.raises(SessionFailedError, match="order-paid: connection"):
        visit.session.hear("order-paid", paid)
    assert len(visit.server.seen) == 4


@pytest.mark.parametrize("data", [b"x" * (1 << 20), b"data: %b\n" % (b"x" * 1000) * 2000])
def test_a_stream_without_end_is_a_protocol_error_and_is_not_asked_for_again(start: Start, data: bytes) -> None:
    sent = threading.Event()

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(OPEN)
        sent.wait(10)
        with contextlib.suppress(OSError):  # the other side has heard enough
            connection.sendall(data)
        return False

    visit = start(answer)
    visit.session.listen(STREAM)
    sent.set()
    with pytest.raises(SessionFailedError, match="order-paid: protocol"):
        visit.session.hear("order-paid", paid)
    assert len(visit.server.seen) == 1


@pytest.mark.usefixtures("hasty")
def test_what_the_ceiling_forbids_is_not_sent_again_and_drops_who_waits_for_it(start: Start) -> None:
    visit = start(closing(OPEN + SOON), requests_per_s=1)
    visit.session.listen(STREAM)
    with pytest.raises(CeilingReachedError, match="ceiling_requests"):
        visit.session.hear("order-paid", paid)
    assert visit.rows() == [("order-stream", 200, None), ("order-paid", 0, "connection")]
    assert len(visit.server.seen) == 1


def test_a_stream_that_is_open_when_the_visit_ends_is_closed_and_is_no_error(start: Start) -> None:
    visit = start(staying(OPEN + b": hello\n\n"))
    visit.session.listen(STREAM)
    listening = visit.session.listening
    assert listening is not None
    visit.session.close()
    visit.session.close()
    assert visit.rows() == [("order-stream", 200, None)]
    assert listening._reader is not None
    assert listening._reader.dead


def test_listening_to_another_stream_closes_the_first(start: Start) -> None:
    visit = start(staying(OPEN + b"event: paid\ndata:\n\n"))
    visit.session.listen(STREAM)
    first = visit.session.listening
    visit.session.listen(STREAM)
    assert first is not None
    assert first._reader is not None
    assert first._reader.dead
    visit.session.hear("order-paid", paid)


def test_an_event_that_is_awaited_when_the_run_ends_is_cut_off(start: Start) -> None:
    visit = start(staying(OPEN))
    visit.session.listen(STREAM)
    waiting = gevent.spawn(visit.session.hear, "order-paid", paid)
    wait_for(lambda: visit.session.waits_for == "order-paid")
    waiting.kill()
    visit.session.close()
    assert visit.rows() == [("order-stream", 200, None), ("order-paid", 0, "cut_off")]
    assert visit.session.waits_for is None


def test_over_http_2_the_end_of_a_visit_with_assets_cuts_a_reopening_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The assets go over the connection that the stream goes over, and are closed, too."""

    def react(talk: Talk, _: Seen) -> bool:
        if len(server.seen) == 1:
            talk.sendall(OPEN + SOON)
        return True

    monkeypatch.setattr(module, "_LEAST_RETRY_S", 0.001)
    with HostileHttp2(react) as server:
        access = Http2Access(base_url=server.url, addresses=("127.0.0.1",), headers={}, http2=True)
        client, memory = Http2Client(access, 5), Memory()
        session = Session(worker(tmp_path, client, memory=memory), arrival(number=3), 0)
        session.assets = Assets(source_of({None: access}, "shop", Counter()), OnlyHost(client), session.fetch)
        session.listen(STREAM)
        wait_for(lambda: len(server.seen) == 2)
        session.close()
    assert [(row.step, row.error) for row in memory.steps] == [("order-stream", None), ("order-stream", "cut_off")]


def test_a_reopening_that_the_visit_s_end_breaks_off_is_cut_off_and_under_way_until_then(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEAST_RETRY_S", 0.001)
    visit = start(in_turn(closing(OPEN + SOON), staying(b"HTTP/1.1 200")))
    visit.session.listen(STREAM)
    wait_for(lambda: len(visit.server.seen) == 2)
    ((step, due_at),) = in_flight(visit.worker.under_way)
    assert (step, due_at <= visit.worker.clock.now()) == ("order-stream", True)
    listening = visit.session.listening
    visit.session.close()
    assert visit.rows()[1:] == [("order-stream", 0, "cut_off")]
    assert listening is not None
    assert listening.under_way == []


def test_a_session_that_thinks_first_is_not_in_flight_before_it_listens(start: Start) -> None:
    visit = start(staying(OPEN))
    visit.session.due_at = visit.worker.clock.now() + 3600 * SECOND
    thinking = gevent.spawn(visit.session.listen, STREAM)
    wait_for(lambda: len(visit.worker.alarms._sleepers) == 1)
    assert (in_flight(visit.worker.under_way), visit.server.seen, visit.rows()) == ([], [], [])
    thinking.kill()


def test_events_that_nobody_waits_for_are_kept_to_a_bound_the_last_ones(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 4)
    visit = start(staying(OPEN + b"".join(b"data: %d\n\n" % n for n in range(9)) + b"event: paid\ndata:\n\n"))
    visit.session.listen(STREAM)
    visit.session.hear("order-paid", paid)
    assert [visit.session.hear("any", lambda event: event.type == "message").data for _ in range(3)] == ["6", "7", "8"]
    assert visit.worker.hooks.failures == {}
    with pytest.raises(SessionFailedError, match="any: timeout"):  # it was among the first
        visit.session.hear("any", lambda event: event.data == "0", within_s=0.01)
    assert sum(visit.worker.hooks.failures.values()) == 1


def test_what_is_kept_unheard_is_bounded_in_size_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING_SIZE", 10)
    visit = start(staying(OPEN + b"".join(b"data: %d2345\n\n" % n for n in range(9)) + b"event: paid\ndata:\n\n"))
    visit.session.listen(STREAM)
    visit.session.hear("order-paid", paid)
    kept = [visit.session.hear("any", lambda event: event.type == "message").data for _ in range(2)]
    assert kept == ["72345", "82345"]


def test_a_mistake_of_ours_is_counted_and_who_waits_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = start(staying(OPEN))
    monkeypatch.setattr(module.PushEvents, "_read_to_end", lambda _: 1 / 0)
    visit.session.listen(STREAM)
    with pytest.raises(SessionFailedError, match="order-paid: connection"):
        visit.session.hear("order-paid", paid)
    assert sum(visit.worker.hooks.failures.values()) == 1


def test_a_stream_never_takes_one_of_the_shared_connections(start: Start) -> None:
    def answer(connection: socket.socket, seen: Seen) -> bool:
        connection.sendall(OPEN + b"event: paid\ndata:\n\n" if seen.path == STREAM.path else reply())
        return True

    visit = start(answer, shared=True)
    visit.session.listen(STREAM)
    for _ in range(2):
        visit.session.step(GET)
    visit.session.hear("order-paid", paid)
    assert [error for _, _, error in visit.rows()] == [None] * 4
    assert visit.server.connections == 2


def test_each_visit_has_a_stream_of_its_own(start: Start) -> None:
    visit = start(staying(OPEN + b"event: paid\ndata:\n\n"))
    other = Session(
        dataclasses.replace(visit.worker, new_client=lambda: ShopperClient(visit.session._client._access, 5)),  # type: ignore[attr-defined]
        arrival(number=4),
        visit.worker.clock.now(),
    )
    for session in (visit.session, other):
        session.listen(STREAM)
    assert [session.hear("order-paid", paid).type for session in (other, visit.session)] == ["paid", "paid"]
    other.close()
    assert visit.server.connections == 2
