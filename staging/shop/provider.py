"""The shop's side of the payment provider."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Protocol

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from staging.http_client import ThreadSessions

ATTEMPTS = 3
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0
PAUSE_S = 0.05
CURRENCY = "GBP"


class Payment(Enum):
    """What is known of a payment after the provider was called."""

    CAPTURED = auto()
    DECLINED = auto()
    NOT_MADE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is to be paid for an order, by which card."""

    order_id: str
    amount_cents: int
    card_token: str


PaymentKey = Callable[[str, int], str]


def key_of_order(order_id: str, _attempt: int) -> str:
    """Return the idempotency key of an order's payment: the same for every attempt, so that one is charged."""
    return order_id


class Provider(Protocol):
    """A payment provider."""

    def pay(self, bill: Bill, key: PaymentKey) -> Payment:
        """Make a payment, under the idempotency keys that `key` gives for the order and the attempt.

        UNKNOWN: the card may have been charged. NOT_MADE: it certainly wasn't.
        """


class HttpProvider:
    """Payments at the provider's URL, over connections kept by each thread."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/payments"
        self._http = ThreadSessions()
        self._pause = threading.Event()

    def pay(self, bill: Bill, key: PaymentKey) -> Payment:
        """Make a payment, retried twice while replies are lost."""
        outcome = Payment.NOT_MADE
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause.wait(PAUSE_S * attempt)
            payment = self._post(bill, key(bill.order_id, attempt))
            if payment in {Payment.CAPTURED, Payment.DECLINED}:
                return payment
            if payment is Payment.UNKNOWN:
                outcome = payment
        return outcome

    def _post(self, bill: Bill, key: str) -> Payment:
        body = {
            "idempotency_key": key,
            "reference": bill.order_id,
            "amount_cents": bill.amount_cents,
            "currency": CURRENCY,
            "card_token": bill.card_token,
        }
        try:
            reply = self._http.get().post(self._url, json=body, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
        except requests.RequestException as error:
            return Payment.NOT_MADE if never_sent(error) else Payment.UNKNOWN
        return _payment_of(reply.status_code)


def _payment_of(status: int) -> Payment:
    match status:
        case HTTPStatus.OK | HTTPStatus.CREATED:
            return Payment.CAPTURED
        case HTTPStatus.PAYMENT_REQUIRED:
            return Payment.DECLINED
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Payment.NOT_MADE
        case _:
            return Payment.UNKNOWN


def never_sent(error: requests.RequestException) -> bool:
    """Whether a call failed before anything of it was sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
