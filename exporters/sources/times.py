"""Times as JSON carries them: RFC 3339 with a zone, never a bare number."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a time in RFC 3339, such as 2026-11-28T09:00:00Z")  # noqa: TRY004 - pydantic's
    return value


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text)]
"""A moment; a text without a zone, a date alone and a number are refused."""
