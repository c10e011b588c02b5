"""An order's way is pushed to its shopper as it goes on, in bounded streams, through the front and around no reader."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from sqlalchemy import select, update

from staging.database import Database
from staging.shop import tracking as module
from staging.shop.funnel import Funnel
from staging.shop.orders import Order, Stage, Status, enter
from staging.shop.schema import happenings, orders
from staging.shop.tracking import Tracking
from staging.web import RefusedError
from tests.staging.conftest import Stack
from tests.staging.harness import Replica, check_out, command, fill_cart, started
from tests.staging.test_front import lines_of
from tests.waiting import wait_for

SKU = "tearex-m-navy"
EVENTS = {"Accept": "text/event-stream"}
NOW = Order(
    order_id="o1", key="k", session="s", run=None, status=Status.ACCEPTED, location="warehouse", total_cents=1,
    created_at=0, lines=(), printed_at=0, shipped_at=0,
)  # fmt: skip


@pytest.fixture
def tracking(database: Database) -> Iterator[Tracking]:
    one = Tracking(database, Funnel(database), 2)
    yield one
    one.close()


def stages(text: bytes) -> list[str]:
    return [line.removeprefix("event: ") for line in text.decode().splitlines() if line.startswith("event: ")]


def test_a_shipped_order_s_events_come_at_once_with_their_ids(tracking: Tracking) -> None:
    reply = tracking.stream(NOW, "", Stage.SHIPPED)
    assert (reply.status_code, reply.mimetype, reply.headers["Cache-Control"]) == (200, "text/event-stream", "no-store")
    assert reply.get_data().split(b"\n\n") == [
        b"retry: 500",
        b'id: 1\nevent: paid\ndata: {"order_id": "o1", "status": "paid"}',
        b'id: 2\nevent: printing\ndata: {"order_id": "o1", "status": "printing"}',
        b'id: 3\nevent: shipped\ndata: {"order_id": "o1", "status": "shipped"}',
        b"",
    ]


@pytest.mark.parametrize(
    ("last_id", "left"),
    [("1", ["printing", "shipped"]), ("2", ["shipped"]), ("9", list(Stage)), ("-1", list(Stage)), ("²", list(Stage))],
)
def test_a_client_that_reconnects_gets_the_events_after_its_last(
    tracking: Tracking, last_id: str, left: list[str]
) -> None:
    assert stages(tracking.stream(NOW, last_id, Stage.SHIPPED).get_data()) == left


@pytest.mark.parametrize(
    ("order", "last_id"),
    [(NOW, "3"), (replace(NOW, status=Status.DECLINED), ""), (replace(NOW, status=Status.FAILED), "")],
)
def test_where_no_more_events_will_come_the_reply_is_204(tracking: Tracking, order: Order, last_id: str) -> None:
    for _ in range(5):  # and it takes no stream
        assert tracking.stream(order, last_id, Stage.SHIPPED).status_code == 204


def test_the_number_of_streams_is_bounded_and_each_that_ends_makes_room(tracking: Tracking) -> None:
    held = [tracking.stream(NOW, "", Stage.SHIPPED) for _ in range(2)]
    with pytest.raises(RefusedError, match="too_many_streams"):
        tracking.stream(NOW, "", Stage.SHIPPED)
    held[0].close()  # before its first byte
    held.append(tracking.stream(NOW, "", Stage.SHIPPED))
    for reply in held[1:]:
        reply.get_data()
        reply.close()
    tracking.stream(NOW, "", Stage.SHIPPED)


def test_an_order_that_is_not_there_yet_is_waited_for_with_signs_of_life_to_a_bound(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.05)
    monkeypatch.setattr(module, "KEEP_ALIVE_S", 0.0)
    monkeypatch.setattr(module, "_LOOK_S", 0.005)
    later = replace(NOW, created_at=(at := time.time_ns() + 3600 * 10**9), printed_at=at, shipped_at=at)
    data = tracking.stream(later, "", Stage.SHIPPED).get_data()
    assert stages(data) == []
    assert b": keep-alive\n\n" in data


def test_a_pending_order_is_read_again_and_a_stream_ends_with_the_shop(tracking: Tracking) -> None:
    pending = replace(NOW, status=Status.PENDING)
    pieces = iter(tracking.stream(pending, "", Stage.SHIPPED).response)
    assert next(pieces) == b"retry: 500\n\n"
    threading.Timer(0.05, tracking.close).start()
    assert stages(b"".join(piece for piece in pieces if isinstance(piece, bytes))) == []


def test_a_stream_tells_of_the_printing_when_a_press_has_taken_the_order(
    tracking: Tracking, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_AT_PRINTING_S", 0.01)
    waiting = replace(NOW, printed_at=None, shipped_at=None)
    with database.writing() as connection:
        enter(connection, waiting)
    frames = iter(tracking.stream(waiting, "", Stage.SHIPPED).response)
    assert stages(b"".join(piece for _ in range(2) if isinstance(piece := next(frames), bytes))) == ["paid"]
    with database.writing() as connection:
        connection.execute(update(orders).values(status="accepted", printed_at=1, shipped_at=2))
    assert stages(b"".join(piece for piece in frames if isinstance(piece, bytes))) == ["printing", "shipped"]


def test_a_shop_that_forgets_its_readers_says_the_first_thing_only(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.05)
    assert stages(tracking.stream(NOW, "", Stage.PAID).get_data()) == ["paid"]


def test_what_was_pushed_is_in_the_shop_s_own_book_each_time(database: Database) -> None:
    funnel = Funnel(database)
    one = Tracking(database, funnel, 9)
    one.stream(NOW, "", Stage.SHIPPED).get_data()
    one.stream(NOW, "2", Stage.SHIPPED).get_data()
    half = iter(one.stream(NOW, "", Stage.SHIPPED).response)
    for _ in range(2):
        next(half)
    half.close()  # type: ignore[attr-defined]  # the reader has gone before what came second was sent
    funnel.flush()
    with database.reading() as connection:
        steps = sorted(connection.scalars(select(happenings.c.step)))
    assert steps == ["pushed_paid", "pushed_printing", "pushed_shipped", "pushed_shipped"]
    assert funnel.report()["funnel"]["order"] == 0


def ordered(shop: Replica) -> tuple[requests.Session, dict[str, object]]:
    shopper = shop.shopper()
    fill_cart(shop, shopper, (SKU, 1)).raise_for_status()
    reply = check_out(shop, shopper, str(uuid4()), run="tracked")
    assert reply.status_code == 201
    return shopper, reply.json()


def test_the_checkout_says_where_and_the_front_passes_each_event_on_as_it_comes(stack: Stack) -> None:
    shopper, order = ordered(stack.front)
    url = f"{stack.front.url}{order['events_url']}"
    with shopper.get(url, headers={**EVENTS, "X-Peakproof-Run": "pushed"}, stream=True, timeout=20) as reply:
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert "Content-Length" not in reply.headers
        pieces = [(time.time_ns(), piece) for piece in reply.iter_content(chunk_size=None) if piece]
    text = b"".join(piece for _, piece in pieces)
    assert stages(text) == ["paid", "printing", "shipped"]
    assert json.loads(text.decode().split("data: ")[1].splitlines()[0]) == {
        "order_id": order["order_id"], "status": "paid",
    }  # fmt: skip
    came = [next(at for at, piece in pieces if stage.encode() in piece) for stage in ("paid", "shipped")]
    assert came[0] < came[1]  # not all at the end
    (line,) = wait_for(
        lambda: lines_of(stack.access_log, "pushed"), "the front's line, written when the stream is over"
    )
    assert (line["status"], line["bytes"]) == (200, len(text))
    assert shopper.get(url, headers={**EVENTS, "Last-Event-ID": "3"}, timeout=20).status_code == 204


def test_an_order_is_followed_by_its_own_shopper_only(stack: Stack) -> None:
    _, order = ordered(stack.first)
    for path in (order["events_url"], "/orders/ord_nobody/events"):
        assert stack.first.shopper().get(f"{stack.first.url}{path}", headers=EVENTS, timeout=20).status_code == 404


def test_readers_that_do_not_read_or_have_gone_keep_nobody_else_waiting(stack: Stack) -> None:
    shopper, order = ordered(stack.first)
    host, port = stack.first.url.removeprefix("http://").split(":")
    words = f"GET {order['events_url']} HTTP/1.1\r\nHost: x\r\nCookie: sid={shopper.cookies['sid']}\r\n\r\n"
    with contextlib.ExitStack() as held:
        readers = [held.enter_context(socket.create_connection((host, int(port)), timeout=20)) for _ in range(16)]
        for one in readers:  # all of them at once: a stream ends when its order is shipped
            one.sendall(words.encode())
        statuses = [one.recv(12)[-3:] for one in readers]
        assert set(statuses) == {b"200", b"503"}
        assert requests.get(f"{stack.first.url}/healthz", timeout=5).ok


def test_a_stream_that_its_replica_breaks_off_is_broken_off_by_the_front(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                healthy = b"/healthz" in connection.recv(65_536)
                ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                connection.sendall(ok if healthy else head + b"9\r\ndata: a\n\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        upstream = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            options = ("--port", "0", "--access-log", str(tmp_path / "log"), "--upstream", upstream)
            with started(command("front", *options)) as (front,):
                reply = requests.get(f"{front.url}/orders/o1/events", headers=EVENTS, stream=True, timeout=20)
                with pytest.raises(requests.exceptions.ChunkedEncodingError):
                    assert reply.content
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    assert json.loads((tmp_path / "log").read_text())["bytes"] == 9
