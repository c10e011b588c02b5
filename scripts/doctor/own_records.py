"""Checks of an environment's file of shop records: each of its methods is asked for its first rows."""

from collections.abc import Iterator, Mapping

from loadtests.audit.records_process import RecordsError, RecordsProcess
from loadtests.audit.sources import own_records, records_process
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.results.inputs import RECORDS, RecordsFile
from loadtests.runtime.clock import Clock
from scripts.doctor.lines import Line, missing, ok, wrong
from slo.documents import BadInput

_ROWS = 3
_LONGEST_S = 30.0
_WEEK_NS = 7 * 86_400_000_000_000
_STEP = "correct it; docs/your-own-shop.md, shop records"


def shop_records(resolved: ResolvedEnvironment, variables: Mapping[str, str]) -> Iterator[Line]:
    """Say which shop records the file has, and what their first rows are; nothing where no file is declared."""
    try:
        file = own_records(resolved.environment, variables)
        if file is None:
            return
        process = records_process(file, resolved.environment, variables, _LONGEST_S)
    except BadInput as error:
        yield wrong("shop records", str(error), _STEP)
        return
    try:
        yield from _asked(file, resolved, process)
    finally:
        process.close()


def _asked(file: RecordsFile, resolved: ResolvedEnvironment, process: RecordsProcess) -> Iterator[Line]:
    now = Clock.start().now()
    for kind in (*RECORDS, "funnel"):
        if kind in file.declares:
            yield _first_rows(kind, process, now)
        elif kind in RECORDS and getattr(resolved.environment, f"{kind}_url") is None:
            found = f"{file.path.name} has no {kind}(): its part of the audit is left out"
            yield missing(kind, found, f"add {kind}(), or {kind}_url; docs/your-own-shop.md")


def _first_rows(kind: str, process: RecordsProcess, now: int) -> Line:
    try:
        rows = _rows(kind, process, now)
    except RecordsError as error:
        return wrong(kind, str(error), _STEP)
    if not rows:
        return ok(kind, "it answers, without a row of the last 7 days")
    return ok(kind, f"it answers; the first: {rows[0]}")


def _rows(kind: str, process: RecordsProcess, now: int) -> list[str]:
    """Return what the first rows are about, in a few words."""
    since = now - _WEEK_NS
    if kind == "orders":
        orders = list(process.orders(None, since, _ROWS))
        return [
            f"order {one.order_id}, {one.status}, {len(one.lines)} lines, {one.total_cents} cents" for one in orders
        ]
    if kind == "payments":
        payments = list(process.payments(since, _ROWS))
        return [
            f"payment {one.payment_id} of {one.reference}, {one.status}, {one.amount_cents} cents" for one in payments
        ]
    if kind == "stock":
        return [f"{one.left} of {one.sku} at {one.location}" for one in process.stock(now, _ROWS).stock]
    return [f"{sessions} sessions at {step}" for step, sessions in process.funnel(now, _ROWS).items()]
