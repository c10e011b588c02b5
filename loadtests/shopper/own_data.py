"""What a session is given of its own: an account, rows of data and a mark; and what a reply shows of another's."""

from loadtests.client.interface import Reply, Request
from loadtests.demand.splitmix import SplitMix64
from loadtests.results.created import ACCOUNT
from loadtests.results.ledger import CreatedRow
from loadtests.shopper.data_pools import UnknownPoolError
from loadtests.shopper.rows import Account, Row
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import NO_DATA, NothingFreeError, PersonalDataError
from slo.verdict.own_data import OTHERS_DATA


class OwnData:
    """The data of the session `number`, drawn by its `random`."""

    __slots__ = ("_canary", "_may_register", "_number", "_random", "_worker")

    def __init__(self, worker: SessionContext, number: int, random: SplitMix64) -> None:
        self._worker, self._number, self._random = worker, number, random
        self._may_register = False
        self._canary: str | None = None

    @property
    def account(self) -> Account | None:
        """The account of its customer, None of a guest; of a new one the ledger says when it may be registered."""
        pools = self._worker.pools
        account = None if pools is None else pools.account(self._number)
        if account is not None and account.is_new and not self._may_register:
            self._may_register = True
            account.registers = lambda: self.created(ACCOUNT)
        return account

    @property
    def canary(self) -> str:
        """Its mark, to be left where a shopper's own data goes: no other session may be shown it.

        All sessions of one account of the environment's file have the same.
        """
        if self._canary is None:
            self._worker.canaries.given += 1
            self._canary = self._own_canary()
        return self._canary

    def _own_canary(self) -> str:
        canaries, pools, number = self._worker.canaries, self._worker.pools, self._number
        row = None if pools is None else pools.account_row(number)
        return canaries.of_session(number) if row is None else canaries.of_account(row)

    def others_data(self, request: Request, body: bytes) -> str | None:
        """Return what a body shows of another shopper, None where it shows nothing, or may."""
        canaries = self._worker.canaries
        shown = None if request.shared_ok else canaries.other_in(body, self._canary or self._own_canary())
        if shown is None:
            return None
        canaries.shown += 1
        return shown.in_words(body)

    def alone(self, request: Request, reply: Reply) -> tuple[Reply, str]:
        """Return a reply, and what it shows of another shopper: then it is the error `others_data`; else "" ."""
        if self._worker.canaries.prefix not in reply.body:
            return reply, ""
        shown = self.others_data(request, reply.body)
        return (reply, "") if shown is None else (reply._replace(error=OTHERS_DATA, location=None), shown)

    def row(self, name: str) -> Row:
        """Return a row of the environment's data `name`.

        Raises NothingFreeError when none is free: the session ends; UnknownPoolError for what isn't declared.
        """
        pools = self._worker.pools
        if pools is None:
            raise UnknownPoolError(f"targets.yaml declares no data {name!r}: it declares none")
        row = pools.row(self._number, name, self._random)
        if row is None:
            raise NothingFreeError(NO_DATA)
        return row

    def masks(self) -> tuple[bytes, ...]:
        """Return what nothing that is kept of it may hold: what it was given of accounts and data, longest first."""
        pools = self._worker.pools
        return () if pools is None else pools.masks(self._number)

    def check_name(self, name: str) -> None:
        """Raise PersonalDataError for a word of the storefront's that holds what the session was given."""
        pools = self._worker.pools
        if pools is not None and pools.held_in(self._number, name):
            raise PersonalDataError("a step's name or an order's key holds what an account or a pool gave")

    def created(self, kind: str, own_id: str | None = None) -> None:
        """Write into the ledger that the shop has, or may soon have, something of the session's that isn't an order."""
        if own_id is not None:
            self.check_name(own_id)
        row = CreatedRow(session=self._number, kind=kind, id=own_id)
        self._worker.ledger.created(row, self._worker.clock.now())
