"""What was looked at and found: one line each, for people and for programs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from slo.formatting import clean, clip

State = Literal["ok", "missing", "wrong"]
_WIDEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing: its state, what was seen, and the next step when it isn't ok."""

    state: State
    what: str
    told: str
    next: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for a program."""
        return {"state": self.state, "what": self.what, "told": self.told, "next": self.next}


def ok(what: str, told: str) -> Line:
    """Return what is as it should be."""
    return Line(state="ok", what=what, told=_bounded(told))


def missing(what: str, told: str, step: str) -> Line:
    """Return what isn't there, with the next step."""
    return Line(state="missing", what=what, told=_bounded(told), next=step)


def wrong(what: str, told: str, step: str) -> Line:
    """Return what is there and not as it should be, with the next step."""
    return Line(state="wrong", what=what, told=_bounded(told), next=step)


def rendered(lines: Iterable[Line]) -> list[str]:
    """Return the lines as a person reads them."""
    out = []
    for line in lines:
        out.append(f"{line.state:<8} {line.what:<12} {line.told}")
        if line.next is not None:
            out.append(f"{'':<8} {'':<12} next: {line.next}")
    return out


def _bounded(text: str) -> str:
    return clip(clean(text), _WIDEST)
