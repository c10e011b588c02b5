"""The provider's webhooks: sent until they are taken, and again by the next process when one was killed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from staging.database import Database
from staging.derived_keys import is_signature
from staging.payments.book import Book
from staging.payments.payment_pages import PageRequest, PaymentPage, PaymentPages
from staging.payments.webhooks import Webhooks
from tests.staging.conftest import opened
from tests.waiting import wait_for

KEY = "key"


@contextmanager
def listening(answers: list[int]) -> Iterator[tuple[str, list[str]]]:
    """Give the URL of a shop that gives these answers, then 200, and what it was told."""
    told: list[str] = []

    class Shop(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            at, _, sent = self.headers["Webhook-Signature"].partition(",")
            assert is_signature(KEY, f"{at.removeprefix('t=')}.{body}", sent.removeprefix("v1="))
            told.append(body)
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/webhooks", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    one = opened(f"sqlite:///{tmp_path_factory.mktemp('payments')}/payments.db")
    yield one
    one.close()


def paid_page(database: Database, url: str) -> tuple[PaymentPages, PaymentPage, Book]:
    """Return a page whose payment is made."""
    book, pages = Book(database), PaymentPages(database)
    book.create()
    asked = PageRequest(
        idempotency_key="o1", reference="o1", amount_cents=5, currency="GBP", return_url=url, webhook_url=url
    )
    page, _ = pages.open(asked)
    book.enter(page.page_id, reference="o1", amount_cents=5, currency="GBP", status="captured")
    return pages, page, book


def tell(pages: PaymentPages, page: PaymentPage, book: Book, *, repeated_ratio: float) -> None:
    webhooks = Webhooks(pages, KEY, delay_s=0.0, repeated_ratio=repeated_ratio)
    webhooks.start()
    payment = book.find(page.page_id)
    assert payment is not None
    webhooks.tell(page, payment)


def test_a_webhook_is_sent_until_it_is_taken(database: Database) -> None:
    with listening([500, 404]) as (url, told):
        pages, page, book = paid_page(database, url)
        tell(pages, page, book, repeated_ratio=0)
        wait_for(lambda: len(told) == 3, "the third attempt")
        wait_for(lambda: pages.not_notified() == [], "its note")
    assert len(set(told)) == 1


def test_a_webhook_that_was_taken_is_sent_once_more_and_no_more(database: Database) -> None:
    with listening([]) as (url, told):
        pages, page, book = paid_page(database, url)
        tell(pages, page, book, repeated_ratio=1)
        wait_for(lambda: len(told) == 2, "the repetition")
        threading.Event().wait(0.5)
    assert len(told) == 2


def test_the_news_that_a_killed_process_left_are_known(database: Database) -> None:
    pages, page, _ = paid_page(database, "http://127.0.0.1:9/")
    assert pages.not_notified() == [page]
    pages.note_notified(page.page_id)
    assert pages.not_notified() == []
