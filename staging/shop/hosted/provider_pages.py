"""The shop's side of the payment provider's pages: opened for an order, and refunded for a return."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import requests

from staging.http_client import ThreadSessions
from staging.shop.provider import CONNECT_TIMEOUT_S, CURRENCY, READ_TIMEOUT_S, Payment, never_sent

RETURN_PATH = "/checkout/return"
WEBHOOK_PATH = "/webhooks/payments"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBill:
    """What is to be paid for an order on a page; `origin` is the shop's own, to which shopper and news return."""

    order_id: str
    amount_cents: int
    origin: str


class PaymentPages(Protocol):
    """A payment provider with pages of its own."""

    def open(self, bill: PageBill) -> str | Payment:
        """Return the URL of the order's one page, or NOT_MADE (there is none) or UNKNOWN (there may be one)."""

    def refund(self, order_id: str) -> bool:
        """Refund an order's payment; False when that isn't known to be done. Again, it changes nothing."""


class HttpPaymentPages:
    """Pages at the provider's URL."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = ThreadSessions()

    def open(self, bill: PageBill) -> str | Payment:
        """Return the URL of the order's one page, or that there is none, or that it isn't known."""
        body = {
            "idempotency_key": bill.order_id,
            "reference": bill.order_id,
            "amount_cents": bill.amount_cents,
            "currency": CURRENCY,
            "return_url": f"{bill.origin}{RETURN_PATH}",
            "webhook_url": f"{bill.origin}{WEBHOOK_PATH}",
        }
        try:
            reply = self._post("payment-pages", body)
            if reply.ok:
                return str(reply.json()["url"])
        except requests.RequestException as error:
            return Payment.NOT_MADE if never_sent(error) else Payment.UNKNOWN
        is_refused = reply.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        return Payment.NOT_MADE if is_refused else Payment.UNKNOWN

    def refund(self, order_id: str) -> bool:
        """Refund an order's payment."""
        try:
            return self._post("refunds", {"reference": order_id}).ok
        except requests.RequestException:
            return False

    def expire(self, order_id: str, amount_cents: int) -> tuple[str, str] | None:
        """Let no payment be made for an order any more; return the one that it has, None when that isn't known."""
        body = {"reference": order_id, "amount_cents": amount_cents, "currency": CURRENCY}
        try:
            reply = self._post("payments/expire", body)
            return (str(reply.json()["payment_id"]), str(reply.json()["status"])) if reply.ok else None
        except requests.RequestException:
            return None

    def _post(self, path: str, body: dict[str, object]) -> requests.Response:
        return self._http.get().post(
            f"{self._url}/{path}", json=body, headers=self._headers, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        )
