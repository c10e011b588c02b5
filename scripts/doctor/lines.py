"""A finding of `doctor` or `init`: one line with its next step, as text or as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from slo.formatting import clean, clip

State = Literal["ok", "missing", "wrong"]
_WIDEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One finding: its state, what was seen, and the next step when it isn't ok."""

    state: State
    what: str
    found: str
    next: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as an object of `peakproof doctor --json`."""
        return {"state": self.state, "what": self.what, "found": self.found, "next": self.next}


def ok(what: str, found: str) -> Line:
    """Return a line for what is as it should be."""
    return Line(state="ok", what=what, found=_bounded(found))


def missing(what: str, found: str, step: str) -> Line:
    """Return a line for what isn't there, with the next step."""
    return Line(state="missing", what=what, found=_bounded(found), next=step)


def wrong(what: str, found: str, step: str) -> Line:
    """Return a line for what is there and not as it should be, with the next step."""
    return Line(state="wrong", what=what, found=_bounded(found), next=step)


def rendered(lines: Iterable[Line]) -> list[str]:
    """Return the lines as text."""
    out = []
    for line in lines:
        out.append(f"{line.state:<8} {line.what:<12} {line.found}")
        if line.next is not None:
            out.append(f"{'':<8} {'':<12} next: {line.next}")
    return out


def _bounded(text: str) -> str:
    return clip(clean(text), _WIDEST)
