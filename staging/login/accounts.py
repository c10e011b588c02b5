"""The accounts of the login provider: registered, checked by password, locked after wrong ones."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    or_,
    select,
    update,
)

from staging.database import Database, is_inserted

SHORTEST_USER, LONGEST_USER = 3, 80
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200
LONGEST_NAME = 80
# Far fewer than passwords of people want: these are made up, and the load generator shares the machine.
_ROUNDS = 1000
_BATCH = 500

metadata = MetaData()
accounts = Table(
    "accounts",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("user", String, nullable=False, unique=True),
    Column("subject", String, nullable=False),
    Column("name", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("password_hash", LargeBinary, nullable=False),
    Column("wrong_passwords", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer as the ID token names them; `subject` never changes."""

    user: str
    subject: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """A user, a password and a name, as registered or given in a file."""

    user: str
    password: str
    name: str


class Refusal(Enum):
    """Why a login was refused."""

    WRONG_PASSWORD = auto()
    LOCKED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account as the admin interface lists it."""

    sequence: int
    user: str
    locked: bool
    wrong_passwords: int


class Accounts:
    """The accounts of one database; one is locked after `lock_after` wrong passwords in a row."""

    def __init__(self, database: Database, lock_after: int) -> None:
        self._database = database
        self._lock_after = lock_after

    def create(self, given: Sequence[Credentials] = ()) -> None:
        """Create the table and enter the accounts given, each where it is missing."""
        with self._database.writing() as connection:
            metadata.create_all(connection)
            for start in range(0, len(given), _BATCH):
                rows = [_row(one) for one in given[start : start + _BATCH]]
                connection.execute(self._database.insert(accounts).on_conflict_do_nothing(), rows)

    def register(self, new: Credentials) -> Account | None:
        """Enter a new account; None when the user is taken."""
        row = _row(new)
        with self._database.writing() as connection:
            statement = self._database.insert(accounts).values(row).on_conflict_do_nothing()
            if not is_inserted(connection, statement):
                return None
        return Account(user=new.user, subject=str(row["subject"]), name=new.name)

    def check(self, user: str, password: str) -> Account | Refusal:
        """Return the account of a user with this password; a locked one is refused whatever the password is."""
        with self._database.reading() as connection:
            row = connection.execute(select(accounts).where(accounts.c.user == user)).one_or_none()
        # An unknown user takes as long as a known one.
        salt, expected = (row.salt, row.password_hash) if row else (b"", b"")
        is_right = hmac.compare_digest(_hash(password, salt), expected)
        if row is None:
            return Refusal.WRONG_PASSWORD
        if row.locked:
            return Refusal.LOCKED
        if not is_right:
            return self._count_wrong(user)
        if row.wrong_passwords:
            self._forget_wrong(user)
        return Account(user=row.user, subject=row.subject, name=row.name)

    def set_locked(self, users: Sequence[str] | None, *, locked: bool) -> int:
        """Lock or unlock accounts, all for None; returns how many there were. Unlocking forgets wrong passwords."""
        statement = update(accounts).values(locked=locked, wrong_passwords=0)
        if users is not None:
            statement = statement.where(accounts.c.user.in_(users))
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def remove(self, user: str) -> bool:
        """Remove an account; False when there is none."""
        with self._database.writing() as connection:
            return connection.execute(delete(accounts).where(accounts.c.user == user)).rowcount > 0

    def page(self, after: int, limit: int) -> list[AccountState]:
        """Return at most `limit` accounts entered after the one numbered `after`."""
        columns = (accounts.c.sequence, accounts.c.user, accounts.c.locked, accounts.c.wrong_passwords)
        statement = select(*columns).where(accounts.c.sequence > after).order_by(accounts.c.sequence).limit(limit)
        with self._database.reading() as connection:
            return [AccountState(**row) for row in connection.execute(statement).mappings()]

    def _count_wrong(self, user: str) -> Refusal:
        """Count a wrong password in the database, so that none is lost between two of them at once."""
        count = accounts.c.wrong_passwords + 1
        statement = (
            update(accounts)
            .where(accounts.c.user == user)
            .values(wrong_passwords=count, locked=or_(accounts.c.locked, count >= self._lock_after))
        )
        with self._database.writing() as connection:
            connection.execute(statement)
            locked = connection.scalar(select(accounts.c.locked).where(accounts.c.user == user))
        return Refusal.LOCKED if locked else Refusal.WRONG_PASSWORD

    def _forget_wrong(self, user: str) -> None:
        with self._database.writing() as connection:
            connection.execute(update(accounts).where(accounts.c.user == user).values(wrong_passwords=0))


def why_not(new: Credentials) -> Iterator[str]:
    """Yield the fields that don't allow an account: `user`, `password`, `name`."""
    user_is_right = new.user.isprintable() and not any(letter.isspace() for letter in new.user)
    if not (SHORTEST_USER <= len(new.user) <= LONGEST_USER and user_is_right):
        yield "user"
    if not SHORTEST_PASSWORD <= len(new.password) <= LONGEST_PASSWORD:
        yield "password"
    if not (len(new.name) <= LONGEST_NAME and new.name.isprintable()):
        yield "name"


def _row(new: Credentials) -> dict[str, object]:
    salt = secrets.token_bytes(16)
    return {
        "user": new.user,
        "subject": f"cus_{secrets.token_hex(8)}",
        "name": new.name or new.user.partition("@")[0],
        "salt": salt,
        "password_hash": _hash(new.password, salt),
        "wrong_passwords": 0,
        "locked": False,
        "created_at": time.time_ns(),
    }


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
