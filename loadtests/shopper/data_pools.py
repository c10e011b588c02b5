"""One worker's accounts and test data: who a session is, what it was given, and that it is given back at its end."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtests.demand.arrivals import Arrival
from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.credentials import SHORTEST_MASKED, masks_of
from loadtests.environment.data_files import Table
from loadtests.environment.data_targets import ACCOUNTS, AccountShare, DataTargets
from loadtests.shopper.customers import COLUMNS, new_customer
from loadtests.shopper.pools import Pool
from loadtests.shopper.rows import Account, Row

NO_ACCOUNT = "no_account"
Kind = Literal["guest", "new", "returning"]
# Draws of their own beside the session's: with and without accounts its journey draws the same.
_STREAM = 0x6B63_6F75_6E74_7331
_WORD = re.compile(r"[\w-]+")
_SHORTEST_LOGIN = 3  # of users and passwords; of anything else see `masks_of`


class UnknownPoolError(Exception):
    """A pool that the environment doesn't declare: a mistake of the storefront's. The message names those there are."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What one session was given: an account, its row in the file unless it is new, and rows of pools by number."""

    account: Account | None = None
    account_row: int | None = None
    rows: list[tuple[Pool, int]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


def kind_of(seed: int, share: AccountShare) -> Kind:
    """Return who the session of an arrival with that seed is: the same for the same seed and share."""
    drawn = SplitMix64(seed ^ _STREAM).random()
    if drawn < share.guest:
        return "guest"
    return "new" if drawn < share.guest + share.new or not share.returning else "returning"


def kinds_of(share: AccountShare) -> tuple[Kind, ...]:
    """Return who sessions may be, the most frequent first."""
    kinds: dict[Kind, float] = {"returning": share.returning, "guest": share.guest, "new": share.new}
    return tuple(sorted((kind for kind, part in kinds.items() if part), key=kinds.__getitem__, reverse=True))


class DataPools:
    """The accounts and the test data that worker `index` of `workers` gives its sessions in the run named `run`.

    `tables` are the files' rows by pool. `now` returns the time (ns). `customers` are the journeys that no guest plays.
    """

    def __init__(
        self,
        declared: DataTargets,
        tables: Mapping[str, Table],
        run: str,
        seat: tuple[int, int],
        now: Callable[[], int],
        customers: frozenset[str] = frozenset(),
    ) -> None:
        self._declared, self._tables, self._run, self._now = declared, tables, run, now
        self._customers = customers
        self.pools = {name: Pool(len(table), declared.use_of(name), *seat) for name, table in tables.items()}
        self._held: dict[int, Held] = {}

    def admit(self, arrival: Arrival) -> bool:
        """Give a session that begins its account; False when it needs one and none is free."""
        held = self._held[arrival.number] = Held()
        accounts = self._declared.accounts
        kind: Kind = "guest"
        if accounts is not None:
            share = accounts.share.of_customers if arrival.journey in self._customers else accounts.share
            kind = kind_of(arrival.seed, share)
            if kind == "returning" and ACCOUNTS not in self.pools:  # only guests were to come, and there is no file
                kind = "new"
        if kind == "new":
            self.admit_new(arrival.number)
        elif kind == "returning":
            pool, table = self.pools[ACCOUNTS], self._tables[ACCOUNTS]
            row = pool.take(self._now(), SplitMix64(~arrival.seed ^ _STREAM))
            if row is None:
                del self._held[arrival.number]
                return False
            held.rows.append((pool, row))
            held.account_row = row
            held.account = Account(table.columns, table.row(row), lambda: pool.lock(row))
        return True

    def admit_new(self, session: int) -> None:
        """Give a session the new customer that the session of that number in the run named `run` was."""
        self._held[session] = Held(account=Account(COLUMNS, new_customer(self._run, session)))

    def account(self, session: int) -> Account | None:
        """Return the account of a session, None of a guest."""
        held = self._held.get(session)
        return None if held is None else held.account

    def account_row(self, session: int) -> int | None:
        """Return the row of a session's account in the file, None of a guest and of a customer who is new."""
        held = self._held.get(session)
        return None if held is None else held.account_row

    def row(self, session: int, name: str, random: SplitMix64) -> Row | None:
        """Give a session a row of the pool `name`, None when none is free; an exclusive one is kept until it ends.

        Raises UnknownPoolError when the environment declares no such pool.
        """
        pool = self.pools.get(name)
        if pool is None or name == ACCOUNTS:
            known = ", ".join(one for one in self.pools if one != ACCOUNTS) or "none"
            raise UnknownPoolError(f"targets.yaml declares no data {name!r}; it declares: {known}")
        number = pool.take(self._now(), random)
        if number is None:
            return None
        table, held = self._tables[name], self._held.setdefault(session, Held())
        row = Row(name, table.columns, table.row(number))
        held.rows.append((pool, number))
        if self._declared.data[name].secret:
            held.secrets.extend(row.values())
        return row

    def release(self, session: int) -> None:
        """Take back all that a session was given; it is over, however it ended."""
        held = self._held.pop(session, None)
        for pool, row in () if held is None else held.rows:
            pool.give_back(row, self._now())

    def held_in(self, session: int, text: str) -> bool:
        """Whether a word for the records holds, as it stands, an address or the like that a session was given.

        What is made of letters, digits and hyphens alone is left: a customer's number may well be part of an order's.
        """
        held = self._held.get(session)
        if held is None:
            return False
        given = held.secrets if held.account is None else [*held.secrets, *held.account.values()]
        return any(len(one) >= SHORTEST_MASKED and one in text and not _WORD.fullmatch(one) for one in given)

    def masks(self, session: int) -> tuple[bytes, ...]:
        """Return what nothing that is kept of a session may hold, in every form that a page may, the longest first."""
        held = self._held.get(session)
        if held is None:
            return ()
        account = held.account
        found = masks_of(held.secrets if account is None else [*held.secrets, *account.values()])
        if account is not None:
            password = Row.__getitem__(account, "password")  # which is no registration
            found += masks_of((account.user, account.user.lower(), password), _SHORTEST_LOGIN)
        return tuple(sorted(set(found), key=len, reverse=True))
