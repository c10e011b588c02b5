"""What a session is given of a file: a row by its columns' names, and the account of a customer."""

from collections.abc import Callable, Iterator


class MissingColumnError(Exception):
    """A column that the file doesn't have: a mistake of the storefront's. The message names those there are."""


class Row:
    """One row: `row["code"]` is the value of a column, `dict(row)` all of them. No message or dump shows a value."""

    __slots__ = ("_columns", "_pool", "_values")

    def __init__(self, pool: str, columns: tuple[str, ...], values: tuple[str, ...]) -> None:
        self._pool, self._columns, self._values = pool, columns, values

    def __getitem__(self, column: str) -> str:
        """Return the value of a column; raises MissingColumnError."""
        if column not in self._columns:
            raise MissingColumnError(f"{self._pool} has no column {column!r}; it has {', '.join(self._columns)}")
        return self._values[self._columns.index(column)]

    def get(self, column: str, default: str = "") -> str:
        """Return the value of a column, `default` where the file has no such column."""
        return self[column] if column in self._columns else default

    def keys(self) -> tuple[str, ...]:
        """Return the columns' names."""
        return self._columns

    def values(self) -> tuple[str, ...]:
        """Return the values in the order of the columns."""
        return self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<row of {self._pool}>"


class Account(Row):
    """A customer's account: one of the file's, or with `is_new` data to register with, which nobody has used before.

    Further columns by name: those of the file, or `email`, `first_name`, `last_name`, `phone`, `street`, `city`,
    `postcode`, `country` and `unique` of a new customer. `registers` is called once, when the password of a new
    customer is first asked for: from then on the shop may have the account.
    """

    __slots__ = ("_lock", "is_new", "registers")

    def __init__(
        self, columns: tuple[str, ...], values: tuple[str, ...], lock: Callable[[], object] | None = None
    ) -> None:
        super().__init__("accounts", columns, values)
        self._lock, self.is_new = lock, lock is None
        self.registers: Callable[[], object] | None = None

    def __getitem__(self, column: str) -> str:
        """Return the value of a column; raises MissingColumnError."""
        if column == "password" and self.registers is not None:
            registers, self.registers = self.registers, None
            registers()
        return super().__getitem__(column)

    @property
    def user(self) -> str:
        """What the customer logs in as."""
        return self["user"]

    @property
    def password(self) -> str:
        """The password."""
        return self["password"]

    def locked(self) -> None:
        """Say that the shop lets nobody in with this account: for the rest of the run no session gets it again."""
        if self._lock is not None:
            self._lock()

    def __repr__(self) -> str:
        return "<new account>" if self.is_new else "<account>"
