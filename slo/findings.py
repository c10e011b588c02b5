"""A finding is a value: what was found, about what, and how much it weighs. Rendering it is another matter."""

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


Kind = Literal["objective", "audit", "validity", "cause"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found; `message` is a sentence without its full stop, `change` what would mend it."""

    kind: Kind
    severity: Severity
    subject: str
    message: str
    change: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
