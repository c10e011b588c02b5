"""Customers: those who came back from the login provider, and the logins they hold."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, select

from staging.database import Database
from staging.id_tokens import Claims
from staging.shop.schema import customer_logins, customers, login_attempts, orders

ATTEMPT_LASTS_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as the login provider names them."""

    customer_id: str
    user: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attempt:
    """A login that a session has begun: its secrets, and the page it goes on to."""

    state: str
    session: str
    verifier: str
    nonce: str
    next: str


class Customers:
    """The customers of one database, known to every replica."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, session: str, following: str) -> Attempt:
        """Enter a new attempt of a session."""
        attempt = Attempt(
            state=secrets.token_urlsafe(24),
            session=session,
            verifier=secrets.token_urlsafe(48),
            nonce=secrets.token_urlsafe(24),
            next=following,
        )
        row = {name: getattr(attempt, name) for name in Attempt.__dataclass_fields__}
        with self._database.writing() as connection:
            connection.execute(login_attempts.insert().values(**row, created_at=time.time_ns()))
        return attempt

    def take(self, state: str, session: str) -> Attempt | None:
        """Return a session's attempt, once and while it lasts; another session's stays."""
        own = (login_attempts.c.state == state) & (login_attempts.c.session == session)
        with self._database.writing() as connection:
            row = connection.execute(delete(login_attempts).where(own).returning(*login_attempts.c)).one_or_none()
        if row is None or row.created_at < time.time_ns() - ATTEMPT_LASTS_S * 1_000_000_000:
            return None
        return Attempt(state=row.state, session=row.session, verifier=row.verifier, nonce=row.nonce, next=row.next)

    def log_in(self, claims: Claims) -> str:
        """Enter the customer whom an ID token names, and a login; returns its cookie."""
        cookie = secrets.token_hex(32)
        named = {"user": claims.preferred_username, "name": claims.name}
        statement = self._database.insert(customers).values(customer_id=claims.sub, **named)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=[customers.c.customer_id], set_=named))
            connection.execute(
                customer_logins.insert().values(
                    cookie_hash=_hash(cookie), customer_id=claims.sub, created_at=time.time_ns()
                )
            )
        return cookie

    def find(self, cookie: str) -> Customer | None:
        """Return the customer whose login a cookie is."""
        statement = (
            select(customers)
            .join(customer_logins, customer_logins.c.customer_id == customers.c.customer_id)
            .where(customer_logins.c.cookie_hash == _hash(cookie))
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).one_or_none()
        return Customer(customer_id=row.customer_id, user=row.user, name=row.name) if row else None

    def named(self, user: str) -> Customer | None:
        """Return the customer who logs in as `user`."""
        with self._database.reading() as connection:
            row = connection.execute(select(customers).where(customers.c.user == user)).first()
        return Customer(customer_id=row.customer_id, user=row.user, name=row.name) if row else None

    def has_orders(self, customer: Customer) -> bool:
        """Whether a customer has an order that isn't over."""
        own = (orders.c.customer == customer.customer_id) & orders.c.status.in_(("pending", "accepted"))
        with self._database.reading() as connection:
            return connection.execute(select(orders.c.order_id).where(own).limit(1)).first() is not None

    def forget(self, customer: Customer) -> None:
        """Remove a customer, and end every login of theirs."""
        with self._database.writing() as connection:
            for table in (customer_logins, customers):
                connection.execute(delete(table).where(table.c.customer_id == customer.customer_id))

    def log_out(self, cookie: str) -> None:
        """End the login that a cookie is."""
        with self._database.writing() as connection:
            connection.execute(delete(customer_logins).where(customer_logins.c.cookie_hash == _hash(cookie)))


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
