"""The accounts and the test data that an environment declares: `accounts` and `data` of targets.yaml."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from slo.documents import Document

# How rows are given out: any of them to anybody; each to one session at a time; each once in a run.
Use = Literal["shared", "exclusive", "once"]
ACCOUNTS = "accounts"
_ROUNDING = 1e-6
_File = Annotated[str, Field(min_length=1, max_length=4096)]
_Share = Annotated[float, Field(ge=0, le=1)]
PoolName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$")]


class AccountShare(Document):
    """Which part of the sessions are guests, new customers who register, and returning customers who log in."""

    guest: _Share = 0.0
    new: _Share = 0.0
    returning: _Share = 0.0

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        total = math.fsum((self.guest, self.new, self.returning))
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"guest, new and returning must sum to 1, not {total:.6g}")
        return self

    @property
    def of_customers(self) -> "AccountShare":
        """The same among those who aren't guests; all of them return where everybody is a guest."""
        known = self.new + self.returning
        if not known:
            return AccountShare(returning=1.0)
        return AccountShare(new=self.new / known, returning=self.returning / known)


class AccountsTarget(Document):
    """The customers' accounts: a CSV file with the columns `user` and `password`, and any others."""

    file: _File | None = None
    exclusive: bool = True
    share: AccountShare = AccountShare(returning=1.0)

    @model_validator(mode="after")
    def _has_a_file(self) -> Self:
        if self.file is None and self.share.returning:
            raise ValueError("needs a file for its returning customers, or share.returning: 0")
        return self

    @property
    def use(self) -> Use:
        """How the accounts are given out."""
        return "exclusive" if self.exclusive else "shared"


class PoolTarget(Document):
    """Rows of a CSV file that sessions draw from: at random, `exclusive` for one session at a time, or each `once`.

    What is `secret`, as anything is unless it says otherwise, is masked wherever a reply is kept.
    """

    file: _File
    exclusive: bool = False
    once: bool = False
    secret: bool = True

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.exclusive and self.once:
            raise ValueError("exclusive and once exclude each other: a row given out once is in no other session")
        return self

    @property
    def use(self) -> Use:
        """How the rows are given out."""
        return "once" if self.once else "exclusive" if self.exclusive else "shared"


class DataTargets(Document):
    """Both, as a part of an environment."""

    accounts: AccountsTarget | None = None
    data: Mapping[PoolName, PoolTarget] = Field(default_factory=dict, max_length=50)

    @field_validator("data")
    @classmethod
    def _leaves_the_accounts_their_name(cls, data: Mapping[str, PoolTarget]) -> Mapping[str, PoolTarget]:
        if ACCOUNTS in data:
            raise ValueError(f"{ACCOUNTS} stands beside data, not in it")
        return data

    def data_files(self) -> dict[str, Path]:
        """Return the files of the accounts and of every pool, by the pool's name."""
        own = {} if self.accounts is None or self.accounts.file is None else {ACCOUNTS: Path(self.accounts.file)}
        return {**own, **{name: Path(pool.file) for name, pool in self.data.items()}}

    def use_of(self, name: str) -> Use:
        """Return how the rows of a pool are given out."""
        if name == ACCOUNTS and self.accounts is not None:
            return self.accounts.use
        return self.data[name].use

    def anchored_data(self, folder: Path) -> dict[str, object]:
        """Return `accounts` and `data` with their paths absolute: what is relative is looked for in `folder`."""

        def at(name: str) -> str:
            return str((folder / name).absolute())

        accounts = self.accounts
        if accounts is not None and accounts.file is not None:
            accounts = accounts.model_copy(update={"file": at(accounts.file)})
        data = {name: pool.model_copy(update={"file": at(pool.file)}) for name, pool in self.data.items()}
        return {"accounts": accounts, "data": data}
