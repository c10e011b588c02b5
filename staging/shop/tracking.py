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
from staging.web import RefusedError

KIND = "text/event-stream"
LONGEST_S = 20.0
KEEP_ALIVE_S = 1.0
RETRY_MS = 500
_LOOK_S = 0.1
_IDS = frozenset(str(number) for number, _ in enumerate(Stage, 1))


# When each begins, in seconds since the order was entered: a day and a half, made short.
BEGINS_S = {Stage.PAID: 0.0, Stage.PRINTING: 0.5, Stage.SHIPPED: 1.0}


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
        ends_at = sent_at + LONGEST_S
        yield b"retry: %d\n\n" % RETRY_MS
        for number, stage in enumerate(Stage, 1):
            while number > after and (left_s := _left_s(order, stage, until)) > 0:
                if self._over.wait(min(left_s, _LOOK_S)) or time.monotonic() >= ends_at:
                    return
                if order.status is Status.PENDING:
                    order = find_order(self._database, order.order_id) or order
                if time.monotonic() - sent_at >= KEEP_ALIVE_S:
                    yield b": keep-alive\n\n"
                    sent_at = time.monotonic()
            if number > after:
                data = json.dumps({"order_id": order.order_id, "status": stage})
                yield f"id: {number}\nevent: {stage}\ndata: {data}\n\n".encode()
                self._funnel.pushed(stage, f"{order.order_id}.{stream}")


def _left_s(order: Order, stage: Stage, until: Stage) -> float:
    """Return the seconds until `stage`; infinity where it never comes, or isn't known to."""
    if order.status not in _PAID or order.placed_at is None or BEGINS_S[stage] > BEGINS_S[until]:
        return math.inf
    return BEGINS_S[stage] - (time.time_ns() - order.placed_at) / 1e9


def stage_of(order: Order) -> Stage | None:
    """Return how far an order has come by now; None for one that isn't paid."""
    reached = [stage for stage in Stage if (at := begins_at(order, stage)) is not None and at <= time.time_ns()]
    return reached[-1] if reached else None


def begins_at(order: Order, stage: Stage) -> int | None:
    """Return when a stage of a paid order begins, in ns since the epoch."""
    if order.status not in _PAID or order.placed_at is None:
        return None
    return order.placed_at + int(BEGINS_S[stage] * 1e9)


def address_of(order: Order) -> str:
    """Return the path of an order's stream."""
    return f"/orders/{order.order_id}/events"
