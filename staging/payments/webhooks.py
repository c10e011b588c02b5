"""Webhooks: the news of a payment page, sent to the shop until it is taken; delivered at least once."""

import hashlib
import itertools
import json
import logging
import queue
import threading
import time
from dataclasses import dataclass

import requests

from staging.derived_keys import signature
from staging.http_client import ThreadSessions
from staging.payments.book import Payment
from staging.payments.payment_pages import PaymentPage, PaymentPages

SIGNATURE_HEADER = "Webhook-Signature"
ATTEMPTS = 5
PAUSE_S = 0.2
TIMEOUT_S = (1.0, 5.0)
THREADS = 4
REPEATED_AFTER_S = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a webhook says of a payment, and where it goes."""

    page_id: str
    url: str
    body: str
    is_repeated: bool


class Webhooks:
    """Sends the news of payments; a share of those that were taken is sent once more.

    Which ones follows from the payment alone. `delay_s` 0 sends before the shopper is sent back.
    """

    def __init__(self, pages: PaymentPages, key: str, *, delay_s: float, repeated_ratio: float) -> None:
        self._pages, self._key = pages, key
        self._delay_s, self._repeated_ratio = delay_s, repeated_ratio
        self._queue: queue.PriorityQueue[tuple[float, int, int, News]] = queue.PriorityQueue()
        self._count = itertools.count()
        self._pause = threading.Event()
        self._http = ThreadSessions()

    def start(self) -> None:
        """Send from now on, in threads of its own."""
        for number in range(THREADS):
            threading.Thread(target=self._keep_sending, name=f"webhook-{number}", daemon=True).start()

    def tell(self, page: PaymentPage, payment: Payment) -> None:
        """Send the news of a page that is over."""
        news = self._news(page, payment)
        if self._delay_s:
            self._put(news, self._delay_s, 1)
        else:
            self._send(news, 1)

    def _news(self, page: PaymentPage, payment: Payment) -> News:
        body = {
            "event_id": f"evt_{payment.payment_id.removeprefix('pay_')}",
            "type": f"payment.{payment.status}",
            "payment_id": payment.payment_id,
            "reference": payment.reference,
            "amount_cents": payment.amount_cents,
        }
        digest = hashlib.sha256(page.page_id.encode()).digest()
        is_repeated = int.from_bytes(digest[:6]) / 2**48 < self._repeated_ratio
        return News(page_id=page.page_id, url=page.request.webhook_url, body=json.dumps(body), is_repeated=is_repeated)

    def _put(self, news: News, after_s: float, attempt: int) -> None:
        self._queue.put((time.monotonic() + after_s, next(self._count), attempt, news))

    def _keep_sending(self) -> None:
        while True:
            due, _, attempt, news = self._queue.get()
            self._pause.wait(max(0.0, due - time.monotonic()))
            self._send(news, attempt)

    def _send(self, news: News, attempt: int) -> None:
        """Send once; what follows is queued: the next attempt, or, as the delivery is at least once, a repetition."""
        is_taken = self._post(news)
        if is_taken and attempt <= ATTEMPTS:
            self._pages.note_notified(news.page_id)
            if news.is_repeated:
                self._put(news, REPEATED_AFTER_S, ATTEMPTS + 1)
        elif attempt < ATTEMPTS:
            self._put(news, PAUSE_S * 2**attempt, attempt + 1)
        elif attempt == ATTEMPTS:
            _log.warning("a webhook was not taken in %d attempts", ATTEMPTS)

    def _post(self, news: News) -> bool:
        at = int(time.time())
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: f"t={at},v1={signature(self._key, f'{at}.{news.body}')}",
        }
        try:
            reply = self._http.get().post(
                news.url, data=news.body.encode(), headers=headers, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return reply.ok and not reply.is_redirect
