"""Readers for configuration files: YAML and JSON, parsed once into frozen types.

Nothing is trusted: a size bound, the safe loader, unknown keys refused. Every refusal is a `BadInput`
whose message names the file, the place in it, the value, and what is allowed.
"""

import errno
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
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

from slo import yaml_text
from slo.formatting import clip, printable
from slo.web_addresses import without_secrets

MAX_BYTES = 1 << 20
_MAX_SHOWN = 80
_RENAMED = "renamed_key"
_MAX_DOCUMENTS = 100
_ADDRESS = re.compile(r"[/?@]")
Model = TypeVar("Model", bound=BaseModel)


class BadInput(ValueError):  # noqa: N818 - it is what the reader did, named as the reader would
    """An input file, option or variable can't be used (exit 2); the message is for its author.

    What it repeats of the input is written as a terminal can take it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Document(BaseModel):
    """A part of a document: frozen, strict about types, unknown keys refused.

    `RENAMED` maps a key of an earlier version to its name today; a document that uses the old one is refused with it,
    and one in which it is null, as an earlier version wrote what wasn't set, is read without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    RENAMED: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed_keys(cls, data: object) -> object:
        if not isinstance(data, Mapping) or not any(key in data for key in cls.RENAMED):
            return data
        old = [key for key in cls.RENAMED if data.get(key) is not None]
        if not old:
            return {key: value for key, value in data.items() if key not in cls.RENAMED}
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


def open_file(path: Path) -> BufferedReader:
    """Open a file that someone named, to read its bytes.

    Raises OSError, also for a pipe, whose end may never come, and for a name that no file can have.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    if stat.S_ISFIFO(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ESPIPE, "a pipe, whose end may never come; give a file", str(path))
    try:
        return os.fdopen(handle, "rb")
    except OSError:
        os.close(handle)
        raise


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of the file at `path`; raises BadInput when missing, unreadable, too large or not UTF-8."""
    try:
        with open_file(path) as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}") from error
    if len(raw) > max_bytes:
        raise BadInput(f"{path}: larger than the {max_bytes} bytes allowed")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from error


def parse_yaml(text: str, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything until it is validated
    """Parse one YAML document, None for an empty one; raises BadInput with line and column."""
    found = _parsed(text, path)
    if len(found) > 1:
        line = found[1][1].start_mark.line + 1
        raise BadInput(f"{path}: line {line}: a second document begins, one is allowed")
    return found[0][0] if found else None


def _parsed(text: str, path: Path) -> list[tuple[Any, yaml.Node]]:
    try:
        return list(yaml_text.documents(text))
    except yaml.YAMLError as error:
        raise _not_yaml(error, path) from error
    except ValueError as error:
        raise BadInput(f"{path}: not YAML: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlDocument:
    """One document of a YAML file: what it holds, and the tree that knows at which line each part of it stands."""

    data: Any
    node: yaml.Node

    def line(self, loc: Sequence[int | str] = ()) -> int:
        """Return the line (from 1) of the deepest part that `loc` leads to; what isn't there is passed over.

        A place that a model names may hold a union's tag, which is no key, or end in a key that is missing.
        """
        node, line = self.node, self.node.start_mark.line
        for part in loc:
            inside = _inside(node, part)
            if inside is not None:
                node, line = inside[0], inside[1]
        return line + 1

    def items(self) -> "tuple[YamlDocument, ...]":
        """Return the items of a list as documents of their own; a document that is no list is its only one."""
        if not isinstance(self.node, yaml.SequenceNode):
            return (self,)
        pairs = zip(self.data, self.node.value, strict=True)
        return tuple(YamlDocument(data=data, node=node) for data, node in pairs)


def _inside(node: yaml.Node, part: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line
    if isinstance(node, yaml.MappingNode):
        return next(((value, key.start_mark.line) for key, value in node.value if key.value == part), None)
    return None


def parse_yaml_documents(text: str, path: Path) -> tuple[YamlDocument, ...]:
    """Parse all documents of a YAML text, empty ones left out; raises BadInput with the place."""
    found = [YamlDocument(data=data, node=node) for data, node in _parsed(text, path) if data is not None]
    if len(found) > _MAX_DOCUMENTS:
        raise BadInput(f"{path}: {len(found)} documents, at most {_MAX_DOCUMENTS} allowed")
    return tuple(found)


def _not_yaml(error: yaml.YAMLError, path: Path) -> BadInput:
    mark = getattr(error, "problem_mark", None)
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return BadInput(f"{path}: not YAML{place}: {printable(getattr(error, 'problem', None) or 'malformed', kept='')}")


def validate(
    data: object,
    model: type[Model],
    path: Path | str,
    *,
    strict: bool | None = None,
    document: YamlDocument | None = None,
) -> Model:
    """Turn parsed `data` into `model`; raises BadInput with one line for each error.

    `strict` refuses a value of another type that could be turned into the right one, whatever the model says. With the
    `document` that the data is of, each error names its line.
    """
    if not isinstance(data, dict):
        raise BadInput(f"{path}: expected a mapping at the top, found {type(data).__name__}")
    try:
        return model.model_validate(data, strict=strict)
    except ValidationError as error:
        details = error.errors(include_url=False)
        lines = ["" if document is None else f", line {document.line(one['loc'])}" for one in details]
        found = [f"{path}{line}: {_message(one)}" for one, line in zip(details, lines, strict=True)]
        raise BadInput("\n".join(found)) from error


def validate_json(text: str, model: type[Model], path: Path | str) -> Model:
    """Turn the text of a JSON document into `model`; raises BadInput like `validate`."""
    try:
        data = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from error
    return validate(data, model, path)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members; raises ValueError when two have one name (RFC 8259, 4: names should be unique)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {clip(printable(twice, kept=''), _MAX_SHOWN)!r} stands twice in one object")
    return found


def _message(detail: ErrorDetails) -> str:
    place = _place(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key"
    if detail["type"] == "missing":
        return f"{place}: required and missing"
    if detail["type"] == _RENAMED:
        return f"{place}: {detail['msg']}"
    given = detail["input"]
    shown = repr(without_secrets(given) if isinstance(given, str) and _ADDRESS.search(given) else given)
    shown = shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {message}, found {shown}"


def _place(loc: tuple[int | str, ...]) -> str:
    """`('phases', 0, 'kind')` as `phases[0].kind`; a union's tag in angle brackets is no part of the place."""
    out = ""
    for part in loc:
        if isinstance(part, str) and part.startswith("<"):
            continue
        name = part if isinstance(part, int) else clip(printable(part, kept=""), _MAX_SHOWN)
        out += f"[{name}]" if isinstance(part, int) else f".{name}" if out else str(name)
    return out or "the top"
