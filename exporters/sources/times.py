"""Times as sources tell them: in JSON as RFC 3339 with a zone, never a bare number; none lies ahead of the clock."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from exporters.serving.source import Unreadable

SKEW_S = 300
"""How far the clocks of two machines may be apart."""


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a time in RFC 3339, such as 2026-11-28T09:00:00Z")  # noqa: TRY004 - pydantic's
    return value


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text)]
"""A moment; a text without a zone, a date alone and a number are refused."""


def in_the_past(at_s: float, now_s: float, place: str) -> float:
    """Return a time that isn't ahead by more than clocks are apart; raises Unreadable. Seconds since 1970."""
    if at_s - now_s > SKEW_S:
        raise Unreadable(f"{place}: lies {round(at_s - now_s)} s ahead, allowed are {SKEW_S}")
    return at_s
