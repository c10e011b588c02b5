"""Customers, drops and payment pages, on each kind of database."""

from dataclasses import replace

from sqlalchemy import text

from staging.database import Database
from staging.id_tokens import Claims
from staging.payments.book import Book
from staging.payments.payment_pages import PageRequest, PaymentPages
from staging.shop.catalogue import twisted_threads
from staging.shop.customers.customers import Customer, Customers
from staging.shop.offers.drops import Drop, Drops
from staging.shop.orders import count_of_customer, orders_of_customer
from staging.shop.schema import create_shop

CLAIMS = Claims(
    iss="i", sub="cus_1", aud="shop", exp=1, iat=1, nonce="n", preferred_username="ann", name="Ann"
)  # fmt: skip


def test_a_login_holds_until_it_is_ended_and_follows_a_new_name(busy_database: Database) -> None:
    customers = Customers(busy_database)
    first = customers.log_in(CLAIMS)
    second = customers.log_in(CLAIMS.model_copy(update={"name": "Anna"}))
    assert [customers.find(cookie) for cookie in (first, second, "guessed")] == [
        Customer(customer_id="cus_1", user="ann", name="Anna"),
        Customer(customer_id="cus_1", user="ann", name="Anna"),
        None,
    ]
    customers.log_out(first)
    assert (customers.find(first), customers.find(second) is None) == (None, False)
    assert orders_of_customer(busy_database, "cus_1", None, 10) == ([], None)
    assert count_of_customer(busy_database, "cus_1") == 0


def test_an_attempt_is_taken_once_by_its_own_session_and_while_it_lasts(busy_database: Database) -> None:
    customers = Customers(busy_database)
    attempt = customers.begin("shopper", "/account")
    assert customers.take(attempt.state, "another") is None
    assert customers.take(attempt.state, "shopper") == attempt
    assert customers.take(attempt.state, "shopper") is None
    old = customers.begin("shopper", "/account")
    with busy_database.writing() as connection:
        connection.execute(text("UPDATE login_attempts SET created_at = 1"))
    assert customers.take(old.state, "shopper") is None


def test_no_cookie_is_kept(busy_database: Database) -> None:
    cookie = Customers(busy_database).log_in(CLAIMS)
    with busy_database.reading() as connection:
        assert cookie not in str(connection.execute(text("SELECT * FROM customer_logins")).all())


def test_a_drop_opens_when_it_is_set_to(busy_database: Database) -> None:
    create_shop(busy_database, twisted_threads(with_drop=True), warehouse_stock=5, store_stock=3, drop_stock=2)
    drops, other = Drops(busy_database), Drops(busy_database)
    drops.open_at("moonlitmile", 1 << 62)
    other.read()
    assert other.not_open("moonlitmile") == Drop(style="moonlitmile", opens_at=1 << 62)
    drops.open_at("moonlitmile", 0)
    assert (drops.not_open("moonlitmile"), drops.all()) == (None, [Drop(style="moonlitmile", opens_at=0)])


def test_a_key_has_one_payment_page_and_a_refund_is_made_once(busy_database: Database) -> None:
    book, pages = Book(busy_database), PaymentPages(busy_database)
    book.create()
    asked = PageRequest(
        idempotency_key="o1", reference="o1", amount_cents=5, currency="GBP", return_url="u", webhook_url="u"
    )
    page, is_new = pages.open(asked)
    assert (pages.open(replace(asked, amount_cents=6)), is_new) == ((page, False), True)
    assert (pages.find(page.page_id), pages.not_notified()) == (page, [])
    book.enter(page.page_id, reference="o1", amount_cents=5, currency="GBP", status="captured")
    assert pages.not_notified() == [page]
    refunds = [book.refund("o1"), book.refund("o1")]
    assert refunds[0] == refunds[1] == book.find(page.page_id)
    assert [payment.status for payment in book.page(0, 10)] == ["refunded"]
    assert book.refund("o2") is None
