"""Records of restore drills, format peakproof/restore-drill/v1: one JSON object a line, strict.

{"format": "peakproof/restore-drill/v1", "system": "shop-database", "backup": "shop-20261128.dump",
 "started_at": "2026-11-28T09:00:00Z", "ended_at": "2026-11-28T09:41:10Z", "outcome": "restored",
 "rows_compared": 182340, "rows_differed": 0}
"""

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from exporters.sources.json_lines import read_records
from exporters.sources.times import Time
from exporters.subjects.recovery.values import SKEW_S, Drill, Drills
from slo.documents import BadInput, Count, Document, validate


class DrillRecord(Document):
    """One restore drill: of which system and backup, when, how it ended, and how many rows were compared."""

    format: Literal["peakproof/restore-drill/v1"]
    system: str = Field(min_length=1, max_length=40)
    backup: str = Field(min_length=1, max_length=400)
    started_at: Time
    ended_at: Time
    outcome: Literal["restored", "failed"]
    rows_compared: Count
    rows_differed: Count
    note: str | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _can_have_been(self) -> Self:
        if self.ended_at < self.started_at:
            raise ValueError("ended_at must not lie before started_at")
        if self.ended_at - self.started_at > timedelta(days=30):
            raise ValueError("a drill takes at most 30 days")
        if self.rows_differed > self.rows_compared:
            raise ValueError("rows_differed must not be more than rows_compared")
        return self


def read_drills(path: Path, system: str, now_s: float) -> Drills:
    """Return the drills of `system`; raises Unreadable when a line isn't a record, or tells of one in the future."""
    records = read_records(path, lambda data, place: _record(data, place, now_s))
    return Drills(drills=tuple(sorted(map(_drill, (one for one in records if one.system == system)), key=_ended)))


def _record(data: object, place: str, now_s: float) -> DrillRecord:
    record = validate(data, DrillRecord, place)
    ahead_s = record.ended_at.timestamp() - now_s
    if ahead_s > SKEW_S:
        raise BadInput(f"{place}: ended_at: lies {round(ahead_s)} s ahead, allowed are {SKEW_S}")
    return record


def _drill(record: DrillRecord) -> Drill:
    return Drill(
        ended_at_s=record.ended_at.timestamp(),
        duration_s=(record.ended_at - record.started_at).total_seconds(),
        restored=record.outcome == "restored",
        rows_compared=record.rows_compared,
        rows_differed=record.rows_differed,
    )


def _ended(drill: Drill) -> float:
    return drill.ended_at_s
