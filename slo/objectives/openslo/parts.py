"""What all OpenSLO documents have in common: names, labels, durations, descriptions.

Source: https://openslo.com/specification (General Schema; Custom Data Types), as corrected in September 2026.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from slo.documents import Document

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_PREFIX = re.compile(r"(?=.{1,253}/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/")
_DURATION = re.compile(r"[1-9]\d{0,4}[mhdwMQY]")
_LEAST = 1e-9


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("expected a DNS label: at most 63 of a-z, 0-9 and -, a letter or digit at both ends")
    return value


def _label(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise ValueError("expected at most 63 of a-z, A-Z, 0-9, -, _ and ., a letter or digit at both ends")
    return value


def _annotation(value: str) -> str:
    prefix = _PREFIX.match(value)
    return (prefix.group() if prefix else "") + _label(value[prefix.end() :] if prefix else value)


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError("expected a whole number and one of m h d w M Q Y, such as 28d")
    return value


def _ratio(target: float) -> float:
    """Refuse a target whose budget is lost to rounding: nothing could be counted that shows it met, or missed."""
    if target > 1:
        raise ValueError("expected a ratio below 1, such as 0.999; targetPercent takes 99.9")
    if not _LEAST <= target <= 1 - _LEAST:
        raise ValueError("expected a target from 0.0000001 % to 99.9999999 %: at 0 all may be bad, at 100 % nothing")
    return target


def _percent(target: float) -> float:
    if target > 100:  # noqa: PLR2004 - per cent
        raise ValueError("expected a percentage below 100, such as 99.9")
    _ratio(target / 100)
    return target


Name = Annotated[str, AfterValidator(_dns_label)]
Reference = Annotated[str, AfterValidator(_dns_label)]
Target = Annotated[float, Field(strict=True), AfterValidator(_ratio)]
TargetPercent = Annotated[float, AfterValidator(_percent)]
Duration = Annotated[str, AfterValidator(_duration)]
Description = Annotated[str, Field(max_length=1050)]
Operator = Literal["lte", "gte", "lt", "gt"]


class Part(Document):
    """A part of an OpenSLO document, whose keys are written in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Metadata(Part):
    """What names an object."""

    name: Name
    display_name: str | None = None
    labels: dict[Annotated[str, AfterValidator(_label)], str | list[str]] | None = None
    annotations: dict[Annotated[str, AfterValidator(_annotation)], str] | None = None


class Object(Part):
    """What every kind of document begins with."""

    api_version: Literal["openslo/v1"]
    metadata: Metadata
