"""Readers for configuration files: YAML and JSON, parsed once into frozen types.

Nothing is trusted: a size bound, the safe loader, unknown keys refused. Every refusal is a `BadInput`
whose message names the file, the place in it, the value, and what is allowed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

MAX_BYTES = 1 << 20
_MAX_SHOWN = 80
_RENAMED = "renamed_key"
Model = TypeVar("Model", bound=BaseModel)


class BadInput(ValueError):  # noqa: N818 - it is what the reader did, named as the reader would
    """An input file, option or variable can't be used (exit 2); the message is for its author."""


class Document(BaseModel):
    """A part of a document: frozen, strict about types, unknown keys refused.

    `RENAMED` maps a key of an earlier version to its name today; a document that uses the old one is refused with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    RENAMED: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed_keys(cls, data: object) -> object:
        old = [key for key in cls.RENAMED if key in data] if isinstance(data, Mapping) else []
        if not old:
            return data
        errors = [
            InitErrorDetails(
                type=PydanticCustomError(_RENAMED, "is now {name}", {"name": cls.RENAMED[key]}), loc=(key,), input=None
            )
            for key in old
        ]
        raise ValidationError.from_exception_data(cls.__name__, errors)


class WrittenDocument(BaseModel):
    """A part of a document that Peakproof writes itself: frozen, finite numbers only.

    Its readers ignore keys they don't know, so that a newer Peakproof's document stays readable, and accept that a
    value is missing where the model has a default. A value of the wrong type is refused.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


def _none_if_wrong(value: object, parse: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - of the field's type
    try:
        return parse(value)
    except ValidationError:
        return None


NONE_IF_WRONG = WrapValidator(_none_if_wrong)
"""On a field that only tells people something: a value of the wrong type counts as missing, and the rest is read."""
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Ns = Annotated[int, Field(strict=True, ge=0, lt=1 << 63, description="nanoseconds since the epoch")]


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read the YAML document at `path` as `model`.

    Raises BadInput when it is missing, too large, not YAML, or not a valid `model`; the message lists every error.
    """
    return validate(parse_yaml(read_text(path), path), model, path)


def read_json(path: Path, model: type[Model]) -> Model:
    """Read the JSON document at `path` as `model`; raises BadInput like `read_yaml`."""
    return validate_json(read_text(path), model, path)


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of the file at `path`; raises BadInput when missing, unreadable, too large or not UTF-8."""
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}") from error
    if len(raw) > max_bytes:
        raise BadInput(f"{path}: larger than the {max_bytes} bytes allowed")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from error


def parse_yaml(text: str, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything until it is validated
    """Parse one YAML document with the safe loader; raises BadInput with line and column."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "malformed"
        raise BadInput(f"{path}: not YAML{place}: {problem}") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not YAML: {error}") from error


def validate(data: object, model: type[Model], path: Path | str, *, strict: bool | None = None) -> Model:
    """Turn parsed `data` into `model`; raises BadInput with one line for each error.

    `strict` refuses a value of another type that could be turned into the right one, whatever the model says.
    """
    if not isinstance(data, dict):
        raise BadInput(f"{path}: expected a mapping at the top, found {type(data).__name__}")
    try:
        return model.model_validate(data, strict=strict)
    except ValidationError as error:
        lines = [f"{path}: {_message(detail)}" for detail in error.errors(include_url=False)]
        raise BadInput("\n".join(lines)) from error


def validate_json(text: str, model: type[Model], path: Path | str) -> Model:
    """Turn the text of a JSON document into `model`; raises BadInput like `validate`."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from error
    return validate(data, model, path)


def _message(detail: ErrorDetails) -> str:
    place = _place(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key"
    if detail["type"] == "missing":
        return f"{place}: required and missing"
    if detail["type"] == _RENAMED:
        return f"{place}: {detail['msg']}"
    shown = repr(detail["input"])
    shown = shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {message}, found {shown}"


def _place(loc: tuple[int | str, ...]) -> str:
    """`('phases', 0, 'kind')` as `phases[0].kind`; a union's tag in angle brackets is no part of the place."""
    out = ""
    for part in loc:
        if isinstance(part, str) and part.startswith("<"):
            continue
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out or "the top"
