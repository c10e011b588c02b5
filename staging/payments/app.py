"""The payment provider over HTTP."""

import hashlib
import time
from http import HTTPStatus
from typing import Annotated

from flask import Flask, Response, jsonify
from pydantic import Field, StringConstraints

from staging.payments.book import Book, Payment
from staging.telemetry import Telemetry
from staging.web import Payload, RefusedError, json_app, not_found, read_body, read_page, require_token

BODY_LIMIT = 16_384
DECLINED_CARD = "tok_declined"
_NOT_PAID = frozenset({"declined", "cancelled"})
CardToken = Annotated[str, StringConstraints(pattern=r"^tok_[a-z_]{1,40}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PaymentRequest(Payload):
    """The body of `POST /payments`."""

    idempotency_key: Word
    reference: Word
    amount_cents: Annotated[int, Field(ge=1, le=100_000_000)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    card_token: CardToken


class RefundRequest(Payload):
    """The body of `POST /refunds`."""

    reference: Word


class Terminal:
    """Takes payments: `processing_s` for each new one, and a share of the replies to captures is lost.

    Which replies are lost follows from the idempotency key alone, so a repeated run loses the same ones.
    """

    def __init__(self, book: Book, *, processing_s: float, lost_reply_ratio: float) -> None:
        self._book = book
        self._processing_s = processing_s
        self._lost_reply_ratio = lost_reply_ratio

    def take(self, request: PaymentRequest) -> tuple[Payment, HTTPStatus]:
        """Return the key's one payment and how to answer: 201 new, 200 repeated, 402 declined, 503 reply lost."""
        payment = self._book.find(request.idempotency_key)
        entered = payment is None and self.enter(request)
        if payment is None:
            payment = self._book.find(request.idempotency_key)
        if payment is None or not payment.same_request(
            reference=request.reference, amount_cents=request.amount_cents, currency=request.currency
        ):
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="idempotency_key_reused")
        return payment, self._status(payment, new=entered)

    def enter(self, request: PaymentRequest) -> bool:
        """Process a payment and enter it; False when its key has one already."""
        time.sleep(self._processing_s)
        return self._book.enter(
            request.idempotency_key,
            reference=request.reference,
            amount_cents=request.amount_cents,
            currency=request.currency,
            status="declined" if request.card_token == DECLINED_CARD else "captured",
        )

    def _status(self, payment: Payment, *, new: bool) -> HTTPStatus:
        if payment.status in _NOT_PAID:
            return HTTPStatus.PAYMENT_REQUIRED
        if not new:
            return HTTPStatus.OK
        return HTTPStatus.SERVICE_UNAVAILABLE if self._loses_reply(payment) else HTTPStatus.CREATED

    def _loses_reply(self, payment: Payment) -> bool:
        digest = hashlib.sha256(payment.idempotency_key.encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48 < self._lost_reply_ratio


def payments_app(terminal: Terminal, book: Book, telemetry: Telemetry, token: str) -> Flask:
    """Return the provider's application, without its pages."""
    app = json_app("payments", body_limit=BODY_LIMIT)

    @app.post("/payments")
    def pay() -> tuple[Response, HTTPStatus]:
        payment, status = terminal.take(read_body(PaymentRequest))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            return jsonify(error="unavailable"), status
        if status == HTTPStatus.PAYMENT_REQUIRED:
            return jsonify(status=payment.status), status
        return jsonify(payment_id=payment.payment_id, status=payment.status), status

    @app.get("/payments")
    def list_payments() -> Response:
        require_token(token)
        after, limit = read_page()
        page = book.page(after, limit)
        rows = [_row(payment) for payment in page]
        return jsonify(payments=rows, next=page[-1].sequence if len(page) == limit else None)

    @app.post("/refunds")
    def refund() -> Response:
        require_token(token)
        payment = book.refund(read_body(RefundRequest).reference)
        if payment is None:
            raise not_found("no such payment")
        return jsonify(payment_id=payment.payment_id, status=payment.status)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.exposition(), mimetype="text/plain")

    telemetry.instrument(app)
    return app


def _row(payment: Payment) -> dict[str, object]:
    return {
        "payment_id": payment.payment_id,
        "idempotency_key": payment.idempotency_key,
        "reference": payment.reference,
        "amount_cents": payment.amount_cents,
        "status": payment.status,
        "created_at": payment.created_at,
    }
