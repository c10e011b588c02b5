"""Checks of an environment's shop records: each kind is asked for its first rows, whatever it is read from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.audit.http_records import HttpPages
from loadtests.audit.readers import Access, Reader, readers_of
from loadtests.audit.shop_records import Order, Payment
from loadtests.audit.sources import own_records
from loadtests.audit.status_words import UNKNOWN, Words
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.results.inputs import RECORDS
from loadtests.runtime.clock import Clock
from scripts.doctor.lines import Line, missing, ok, wrong
from slo.documents import BadInput
from slo.formatting import seconds

_ROWS, _ORDERS = 3, 100
_LONGEST_S = 30.0
_WEEK_NS = 7 * 86_400_000_000_000
_DOCS = "docs/your-shops-records.md"
_DENIED = ("unreachable: HTTP 401", "unreachable: HTTP 403")
_STEP = f"correct it; {_DOCS}"


def shop_records(resolved: ResolvedEnvironment, variables: Mapping[str, str]) -> Iterator[Line]:
    """Say of each kind of shop records what its first rows are, and what is missing."""
    try:
        file = own_records(resolved.environment, variables)
        access = Access(token=resolved.bearer(), http=resolved.http(), variables=variables, longest_s=_LONGEST_S)
        readers = readers_of(resolved.environment, access, file)
    except BadInput as error:
        yield wrong("shop records", str(error), _STEP)
        return
    try:
        window_ns = resolved.environment.pending_window_ns
        yield from _asked(readers, None if file is None else file.path.name, window_ns)
    finally:
        for reader in readers.values():
            reader.close()


def _asked(readers: Mapping[str, Reader], file: str | None, window_ns: int | None) -> Iterator[Line]:
    now = Clock.start().now()
    for kind in (*RECORDS, "funnel"):
        if kind in readers:
            yield _first_rows(kind, readers[kind], now, window_ns)
        elif kind in RECORDS and file is not None:
            found = f"{file} has no {kind}(): its part of the audit is left out"
            yield missing(kind, found, f"add {kind}(), or shop_records: {{{kind}: …}}; {_DOCS}")
        elif kind in RECORDS:
            step = f"add shop_records: {{{kind}: {{sql: …}}}}, or {{http: …}}; {_DOCS}"
            yield missing(kind, "not declared: its part of the audit is left out", step)


def _first_rows(kind: str, reader: Reader, now: int, window_ns: int | None) -> Line:
    try:
        found = _rows(kind, reader, now, window_ns)
    except SourceUnavailableError as error:
        denied = str(error) in _DENIED
        place = f"{reader.url}: " if isinstance(reader, HttpPages) else ""
        return wrong(kind, f"{place}{error}", f"check its token; {_DOCS}" if denied else _STEP)
    if found.unknown is not None:
        return wrong(kind, found.unknown, f"say what it means: shop_records.{kind}.status; {_DOCS}")
    if found.pending is not None:
        step = "say for how long one may be, or that one may stay so: shop_records.pending_window_s, or its status"
        return wrong(kind, found.pending, f"{step} invoiced; {_DOCS}")
    if not found.rows:
        return ok(kind, "it answers, without a row of the last 7 days")
    lacks = f"; without {' and '.join(found.lacks)}" if found.lacks else ""
    return ok(kind, f"it answers; the first: {found.rows[0]}{lacks}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the first rows are about, in a few words, and which columns none has.

    `unknown` is a status that means nothing, `pending` an order that has been so for too long.
    """

    rows: Sequence[str]
    lacks: Sequence[str] = ()
    unknown: str | None = None
    pending: str | None = None


def _rows(kind: str, reader: Reader, now: int, window_ns: int | None) -> _Found:
    since = now - _WEEK_NS
    if kind == "orders":
        orders = list(reader.orders(None, since, _ORDERS))
        return _Found(
            rows=[f"order {o.order_id}, {o.status}, {len(o.lines)} lines, {o.total_cents} cents" for o in orders],
            lacks=[name for name in ("key", "run") if not any(name in one.model_fields_set for one in orders)],
            unknown=_unknown(kind, [(one.order_id, one) for one in orders]),
            pending=_pending(orders, now, window_ns),
        )
    if kind == "payments":
        paid = list(reader.payments(since, _ROWS))
        return _Found(
            rows=[f"payment {p.payment_id} of {p.reference}, {p.status}, {p.amount_cents} cents" for p in paid],
            unknown=_unknown(kind, [(one.payment_id, one) for one in paid]),
        )
    if kind == "stock":
        return _Found(rows=[f"{one.left} of {one.sku} at {one.location}" for one in reader.stock(now, _ROWS).stock])
    steps = reader.funnel(now, _ROWS)
    return _Found(rows=[f"{sessions} sessions at {step}" for step, sessions in steps.items()])


def _unknown(kind: str, rows: Sequence[tuple[str, Order | Payment]]) -> str | None:
    """Return the first row whose status means nothing to the audit."""
    known = Words(kind, {})
    for row_id, row in rows:
        if known.ours(row.status) == UNKNOWN:
            return f"{row_id} has the status {row.status_word or row.status}, which means nothing here"
    return None


def _pending(orders: Sequence[Order], now: int, window_ns: int | None) -> str | None:
    """Return the first order that has been pending for longer than the environment says that one may be."""
    if window_ns is None:
        return None
    for order in orders:
        if order.status == "pending" and (for_ns := now - order.created_at) > window_ns:
            for_s, window = seconds(for_ns / 1e9), seconds(window_ns / 1e9)
            return f"order {order.order_id} has been pending for {for_s}, which over {window} breaks a promise"
    return None
