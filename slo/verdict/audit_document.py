"""`audit.json` (`peakproof/audit/v2`): whether what the shop promised during a run holds, by its own records."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Field

from slo.boot_time import BootTime
from slo.documents import NONE_IF_WRONG, Count, Ns, WrittenDocument, validate

FORMAT: Final = "peakproof/audit/v2"
NOTHING: Final = "nothing to check"
Answer = Literal["holds", "broken", "unknown"]


def _refuse_v1(format_: str | None) -> str | None:
    if format_ == "peakproof/audit/v1":
        raise ValueError("written by an older Peakproof, in other words: run `peakproof audit RUN` again")
    return format_


class BrokenEntry(WrittenDocument):
    """One order that shows a broken promise."""

    key: str | None = None
    order_id: str | None = None
    detail: str | None = None


class CheckEntry(WrittenDocument):
    """One promise and its answer; `broken` of `checked` orders, payments or stock levels don't keep it."""

    name: str | None = Field(None, examples=["order-exists"])
    outcome: str | None = Field(None, examples=list(get_args(Answer)), description="any other word counts as unknown")
    checked: Count | None = None
    broken: Count | None = None
    detail: str | None = None
    examples: tuple[BrokenEntry, ...] | None = Field(None, description="the first 20")


class RecordsUsed(WrittenDocument):
    """The user's file of shop records that was run: that of the run as recorded, or another that was named."""

    sha256: str | None = None
    as_recorded: bool | None = Field(None, description="false: named by --shop-records, not compared with the run's")


class AuditDocument(WrittenDocument):
    """What the audit of one run found; `sources` is `read` for each kind of shop records, or why it wasn't."""

    format: Annotated[
        str | None, NONE_IF_WRONG, AfterValidator(_refuse_v1), Field(json_schema_extra={"const": FORMAT})
    ] = None
    run: str | None = Field(None, description="the run whose ledgers were compared")
    checked_at: Annotated[Ns | None, NONE_IF_WRONG] = None
    checked_since_boot: Annotated[BootTime | None, NONE_IF_WRONG] = Field(
        None, description="`checked_at` by a clock that nothing sets back"
    )
    sources: dict[str, str | None] | None = Field(None, examples=[{"orders": "read", "stock": "not declared"}])
    counts: Annotated[dict[str, Count | None] | None, NONE_IF_WRONG] = Field(None, description="null where unread")
    checks: tuple[CheckEntry, ...] | None = None
    buys: bool | None = Field(None, description="false: nobody was to buy, and what found nothing to check is no gap")
    shop_records: RecordsUsed | None = None


def parse_audit(data: Mapping[str, Any], where: str = "audit.json") -> AuditDocument:
    """Return `data` as an audit; raises BadInput when a value has the wrong type or it is of version 1."""
    return validate({**data}, AuditDocument, where)
