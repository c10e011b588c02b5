"""The stages of an order, pushed to its shopper: server-sent events (WHATWG HTML, "Server-sent events").

A stream holds one of the replica's threads, so their number and the duration of each are bounded; a client
reconnects then, and continues after its last event. Nothing waits for a slow reader: all events of a stream fit into a
socket's buffer, and a keep-alive detects a client that has disconnected.
"""

import json
import math
import secrets
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

from flask import Response

from staging.database import Database
from staging.shop.funnel import Funnel
from staging.shop.orders import Order, Stage, Status, find_order
from staging.shop.printing.queue import PREPARED_S
from staging.web import RefusedError

KIND = "text/event-stream"
LONGEST_S = 20.0
KEEP_ALIVE_S = 1.0
RETRY_MS = 500
_LOOK_S = 0.1
_LOOK_AT_PRINTING_S = 0.25
_IDS = frozenset(str(number) for number, _ in enumerate(Stage, 1))
_ORDER = list(Stage)
_PAID = frozenset({Status.ACCEPTED, Status.RETURNED})


class Tracking:
    """The streams of one replica, at most `most` at a time; what each one pushed is counted in the funnel."""

    def __init__(self, database: Database, funnel: Funnel, most: int) -> None:
        self._database, self._funnel = database, funnel
        self._free = threading.BoundedSemaphore(max(1, most))
        self._over = threading.Event()

    def close(self) -> None:
        """End every open stream within a moment, and each that is opened later."""
        self._over.set()

    def stream(self, order: Order, last_id: str, until: Stage) -> Response:
        """Return the stream of what comes after the event `last_id`, up to `until`; 503 when there are too many.

        204 when there are no more events: a client must not reconnect.
        """
        after = int(last_id) if last_id in _IDS else 0
        if after == len(Stage) or order.status in (Status.DECLINED, Status.FAILED):
            return Response(status=HTTPStatus.NO_CONTENT)
        if not self._free.acquire(blocking=False):
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, error="too_many_streams", detail="try again soon")
        stream = Response(self._frames(order, after, until), mimetype=KIND)
        stream.call_on_close(self._free.release)  # however it ends, also before its first byte
        stream.headers["Cache-Control"] = "no-store"
        return stream

    def _frames(self, order: Order, after: int, until: Stage) -> Iterator[bytes]:
        sent_at, stream = time.monotonic(), secrets.token_hex(8)
        ends_at, looked_at = sent_at + LONGEST_S, -math.inf
        yield b"retry: %d\n\n" % RETRY_MS
        for number, stage in enumerate(Stage, 1):
            while number > after and (left_s := _left_s(order, stage, until)) > 0:
                if self._over.wait(min(left_s, _LOOK_S)) or time.monotonic() >= ends_at:
                    return
                if _may_have_changed(order, stage, until, time.monotonic() - looked_at):
                    order, looked_at = find_order(self._database, order.order_id) or order, time.monotonic()
                if time.monotonic() - sent_at >= KEEP_ALIVE_S:
                    yield b": keep-alive\n\n"
                    sent_at = time.monotonic()
            if number > after:
                data = json.dumps({"order_id": order.order_id, "status": stage})
                yield f"id: {number}\nevent: {stage}\ndata: {data}\n\n".encode()
                self._funnel.pushed(stage, f"{order.order_id}.{stream}")


def _left_s(order: Order, stage: Stage, until: Stage) -> float:
    """Return the seconds until `stage`; infinity where it never comes, or isn't known to."""
    at = begins_at(order, stage)
    if at is None or _ORDER.index(stage) > _ORDER.index(until):
        return math.inf
    return (at - time.time_ns()) / 1e9


def _may_have_changed(order: Order, stage: Stage, until: Stage, looked_s: float) -> bool:
    """Whether to read an order again, `looked_s` after it was read last: it is pending, or may have got its press."""
    if order.status is Status.PENDING:
        return True
    if _ORDER.index(stage) > _ORDER.index(until) or order.placed_at is None or begins_at(order, stage) is not None:
        return False
    prepared = time.time_ns() >= order.placed_at + round(PREPARED_S * 1e9)
    return prepared and looked_s >= _LOOK_AT_PRINTING_S


def stage_of(order: Order) -> Stage | None:
    """Return how far an order has come by now; None for one that isn't paid."""
    reached = [stage for stage in Stage if (at := begins_at(order, stage)) is not None and at <= time.time_ns()]
    return reached[-1] if reached else None


def begins_at(order: Order, stage: Stage) -> int | None:
    """Return when a stage of a paid order begins, in ns since the epoch; None where that isn't known yet."""
    if order.status not in _PAID:
        return None
    return {Stage.PAID: order.placed_at, Stage.PRINTING: order.printed_at, Stage.SHIPPED: order.shipped_at}[stage]


def address_of(order: Order) -> str:
    """Return the path of an order's stream."""
    return f"/orders/{order.order_id}/events"
