"""The fingerprint of an environment: what it is, as facts by name, and what production is beside it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

_ALLOWED = "expected a text, a number, or true or false"


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float | bool):
        raise ValueError(_ALLOWED)  # noqa: TRY004 - pydantic wants it so
    return value


EnvironmentFact = Annotated[str | bool | int | Annotated[float, Field(allow_inf_nan=False)], BeforeValidator(_scalar)]


def check_comparable(own: Mapping[str, object], production: Mapping[str, object]) -> None:
    """Raise ValueError for a fact that is a number in one fingerprint and none in the other."""
    for name, there in production.items():
        here = own.get(name, there)
        if _kind(here) != _kind(there):
            raise ValueError(
                f"production_fingerprint.{name} is {_kind(there)}, {there!r:.40}, and fingerprint.{name} {_kind(here)},"
                f" {here!r:.40}: they can't be compared"
            )


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else "a text"
