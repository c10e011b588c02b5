"""A process that reads shop records for us: bounded in time, rows and memory, each row checked again when it comes."""

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from loadtests.audit.shop_records import FunnelStep, Order, Payment, StockDocument, StockLevel
from loadtests.audit.unavailable import RecordsError
from loadtests.environment.credentials import Credentials, Secret, masked
from loadtests.runtime.guarded_child import python

if TYPE_CHECKING:  # it brings PyArrow, which exporters do without
    import pyarrow as pa

_LOAD_S = 30.0
_MOST_ROWS = 10_000_000
_MOST_LEVELS = 500_000
_MOST_BYTES = 64 << 20
_PASSWORD = re.compile(r"password\s*=\s*('[^']*'|\S+)")
Row = TypeVar("Row", bound=BaseModel)
_ORDERS, _PAYMENTS = TypeAdapter(list[Order]), TypeAdapter(list[Payment])
_LEVELS, _STEPS = TypeAdapter(list[StockLevel]), TypeAdapter(list[FunnelStep])


class RowsProcess(ABC):
    """A process that answers calls with rows; it is started when it is first needed, and again when it was ended.

    `module` is its program, `variables` are its environment, `longest_s` bounds each call beside its own `deadline_s`;
    `quiet` drops what it prints, which else goes to our stderr. Every method raises RecordsError.
    """

    def __init__(
        self,
        module: str,
        secrets: Sequence[Secret],
        variables: Mapping[str, str],
        longest_s: float = float("inf"),
        *,
        quiet: bool = False,
    ) -> None:
        self._module, self._variables, self._longest_s = module, variables, longest_s
        self._stderr = subprocess.DEVNULL if quiet else None
        self._masks = Credentials(hidden=_hidden(secrets)).masks()
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._declares: frozenset[str] = frozenset()
        self._deadline_s = 0.0

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages call the source."""

    @abstractmethod
    def _given(self) -> Mapping[str, Any]:
        """Return what the process is told first."""

    @abstractmethod
    def _place(self, kind: str) -> str:
        """Return what messages call a call."""

    @abstractmethod
    def _late(self, deadline_s: float) -> str:
        """Return why a call has failed that took longer than it may, and what to do."""

    @property
    def declares(self) -> frozenset[str]:
        """Which of orders, payments, stock and funnel it has."""
        self._started()
        return self._declares

    def orders(self, run: str | None, since: int, first: int | None = None) -> Generator[Order, None, None]:
        """Yield the orders of `run`, or everyone's since `since` (ns); at most the `first` of them."""
        return self._call("orders", _ORDERS, since=since, run=run, first=first)

    def payments(self, since: int, first: int | None = None) -> Generator[Payment, None, None]:
        """Yield the payments since `since` (ns)."""
        return self._call("payments", _PAYMENTS, since=since, first=first)

    def order_batches(self, run: str | None, since: int) -> Generator["pa.RecordBatch", None, None]:
        """Yield the same orders in batches of columns (`batches.ORDERS`)."""
        from loadtests.audit.batches import order_batches  # noqa: PLC0415 - PyArrow, which exporters do without

        return self._columns("orders", _ORDERS, order_batches, since, run)

    def payment_batches(self, since: int) -> Generator["pa.RecordBatch", None, None]:
        """Yield the same payments in batches of columns (`batches.PAYMENTS`)."""
        from loadtests.audit.batches import payment_batches  # noqa: PLC0415 - the same

        return self._columns("payments", _PAYMENTS, payment_batches, since, None)

    def stock(self, at: int, first: int | None = None) -> StockDocument:
        """Return the stock as it is at `at` (ns): now."""
        levels = list(self._call("stock", _LEVELS, since=at, first=first, most=_MOST_LEVELS))
        document = StockDocument(taken_at=at, stock=levels)
        if len(document.levels()) != len(levels):
            raise RecordsError(f"{self._place('stock')}: the same SKU and location twice")
        return document

    def funnel(self, at: int, first: int | None = None) -> Mapping[str, int]:
        """Return how many sessions came as far as each step."""
        return {one.step: one.sessions for one in self._call("funnel", _STEPS, since=at, first=first)}

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process, self._unread = self._process, None, b""
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _call(
        self,
        kind: str,
        rows: TypeAdapter[list[Row]],
        *,
        since: int,
        run: str | None = None,
        first: int | None = None,
        most: int = _MOST_ROWS,
    ) -> Generator[Row, None, None]:
        seen, place = 0, self._place(kind)
        with contextlib.closing(self._answers(kind, since=since, run=run, first=first)) as lines:
            for line in lines:
                batch = _valid(rows, line, place, seen)
                seen += len(batch)
                if seen > most:
                    raise RecordsError(f"{place}: more than {most:,} rows")
                yield from batch

    def _columns(
        self,
        kind: str,
        rows: TypeAdapter[list[Row]],
        batches_of: "Callable[[list[Row]], Iterator[pa.RecordBatch]]",
        since: int,
        run: str | None,
    ) -> Generator["pa.RecordBatch", None, None]:
        """Yield the rows of a call in columns; lines that aren't plain are read, and refused, row by row."""
        from loadtests.audit.json_columns import columns_of_list  # noqa: PLC0415 - the same

        seen, place = 0, self._place(kind)
        with contextlib.closing(self._answers(kind, since=since, run=run)) as lines:
            for line in lines:
                batch = columns_of_list(kind, line)
                found = [batch] if batch is not None else list(batches_of(_valid(rows, line, place, seen)))
                seen += sum(map(len, found))
                if seen > _MOST_ROWS:
                    raise RecordsError(f"{place}: more than {_MOST_ROWS:,} rows")
                yield from found

    def _answers(
        self,
        kind: str,
        *,
        since: int,
        run: str | None = None,
        first: int | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield the lines of rows that answer a call."""
        process, place = self._started(), self._place(kind)
        deadline_s = min(self._deadline_s, self._longest_s)
        ends_at = time.monotonic() + deadline_s
        whole = False
        call = {"kind": kind, "run": run, "since": since, "first": first, "deadline_s": deadline_s}
        try:
            self._tell(process, call)
            while True:
                line = self._line(process, ends_at, f"{place}: {self._late(deadline_s)}")
                if not line.startswith(b"["):
                    whole = True
                    self._check_end(line)
                    return
                yield line
        finally:
            if not whole:
                self.close()

    def _check_end(self, line: bytes) -> None:
        if (why := orjson.loads(line).get("error")) is not None:
            raise RecordsError(self._masked(why))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        self._process = process = subprocess.Popen(
            python("-m", self._module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=dict(self._variables),
            start_new_session=True,
        )
        try:
            self._tell(process, self._given())
            line = self._line(process, time.monotonic() + _LOAD_S, f"{self.name}: not loaded within {_LOAD_S:g} s")
            self._check_end(line)
        except RecordsError:
            self.close()
            raise
        told = orjson.loads(line)
        self._declares, self._deadline_s = frozenset(told["declares"]), told["deadline_s"]
        return process

    def _tell(self, process: subprocess.Popen[bytes], value: object) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError):  # that it has ended, its answer shows
            process.stdin.write(orjson.dumps(value) + b"\n")
            process.stdin.flush()

    def _line(self, process: subprocess.Popen[bytes], ends_at: float, late: str) -> bytes:
        """Return the next line of the process; raises RecordsError when none comes in time, or it has ended."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        pieces = [self._unread]
        while b"\n" not in pieces[-1]:
            left_s = ends_at - time.monotonic()
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise RecordsError(late)
            piece = os.read(process.stdout.fileno(), 1 << 20)
            pieces.append(piece)
            if not piece or sum(map(len, pieces)) > _MOST_BYTES:
                raise RecordsError(f"{self.name}: {self._why_ended(process) if not piece else _TOO_LONG}")
        line, _, self._unread = b"".join(pieces).partition(b"\n")
        return line

    def _why_ended(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"its process ended in the middle of an answer, with {how}"

    def _masked(self, why: str) -> str:
        """Return what the process said, without a secret."""
        return masked(why.encode(), self._masks).decode(errors="replace")


_TOO_LONG = f"rows of over {_MOST_BYTES} bytes"


def _valid(rows: TypeAdapter[list[Row]], line: bytes, place: str, seen: int) -> list[Row]:
    try:
        return rows.validate_json(line)
    except ValidationError as error:
        raise RecordsError(f"{place}: {_first(error, seen)}") from None


def _first(error: ValidationError, seen: int) -> str:
    detail = error.errors(include_url=False)[0]
    if not detail["loc"]:  # no list at all
        return detail["msg"]
    number, *place = detail["loc"]
    field_ = ".".join(map(str, place))
    where = f"row {seen + int(number) + 1}: " + (f"{field_}: " if field_ else "")
    return where + detail["msg"].removeprefix("Value error, ")


def _hidden(secrets: Sequence[Secret]) -> tuple[Secret, ...]:
    """Return secrets, and the passwords in those that are a database's address."""
    found = list(secrets)
    for secret in secrets:
        text = secret.reveal()
        with contextlib.suppress(ValueError):
            found += [Secret(word) for word in (urlsplit(text).password,) if word]
        found += [Secret(word.strip("'")) for word in _PASSWORD.findall(text)]
    return tuple(found)
