"""Findings of a judgement as plain values; `slo/rendering/` turns them into text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

Fact = str | int | float | bool | None


class Severity(Enum):
    """What a finding does to the verdict."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOTE = "note"


Kind = Literal["objective", "audit", "validity", "cause", "criterion", "budget", "cleanup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; `message` is a sentence without its full stop, `change` the next step that would resolve it.

    `known` is False where the finding is that something isn't known.
    """

    kind: Kind
    severity: Severity
    subject: str
    message: str
    change: str = ""
    known: bool = True
    facts: Mapping[str, Fact] = field(default_factory=dict)
