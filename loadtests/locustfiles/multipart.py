"""What a request of a locustfile sends, from `data=`, `json=` and `files=` as requests takes them."""

import json as json_text
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from loadtests.client.interface import Content

FORM = "application/x-www-form-urlencoded"
Form = list[tuple[str, str]]


def content_of(data: Any, json: Any, files: Any, kind: str | None) -> tuple[Any, Form | None]:  # noqa: ANN401 - requests'
    """Return what goes into a request as its body and as its form; `kind` is the media type that the task gives.

    Raises ValueError and TypeError for what can't be sent.
    """
    if files:
        body, made = encode_multipart_formdata(_parts(data, files))
        return Content(made, body), None
    if data:
        return _of_data(data, kind)
    if json is None:
        return (Content(kind, b""), None) if kind is not None and data is not None else (None, None)
    if kind is None:
        return json, None
    return Content(kind, json_bytes(json)), None


def json_bytes(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return JSON, also of what orjson doesn't take."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json_text.dumps(value).encode()


def pairs_of(data: Any) -> Form:  # noqa: ANN401 - requests'
    """Return the fields of a form; a list is a field several times, None is none."""
    found: Form = []
    for name, value in data.items() if isinstance(data, Mapping) else data:
        several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
        found += [(_text(name), _text(one)) for one in (value if several else (value,)) if one is not None]
    return found


def _of_data(data: Any, kind: str | None) -> tuple[Any, Form | None]:  # noqa: ANN401 - requests'
    if hasattr(data, "read"):
        data = data.read()
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, bytes | bytearray):
        return Content(kind or "", bytes(data)), None
    if not isinstance(data, Mapping) and not isinstance(data, list | tuple):
        data = list(data)
        if data and isinstance(data[0], bytes):
            return Content(kind or "", b"".join(data)), None
    form = pairs_of(data)
    if kind is None or kind.startswith(FORM):
        return None, form
    return Content(kind, _encoded(form)), None


def _encoded(form: Form) -> bytes:
    from urllib.parse import urlencode  # noqa: PLC0415 - for what few locustfiles do

    return urlencode(form).encode()


def _parts(data: Any, files: Any) -> list[RequestField]:  # noqa: ANN401 - requests'
    """Return the fields of `data`, then the files: {name: file}, or (filename, file, type, headers) in its place."""
    found = []
    for name, value in pairs_of(data or {}):
        field = RequestField(name=name, data=value)
        field.make_multipart()
        found.append(field)
    for name, given in files.items() if isinstance(files, Mapping) else files:
        filename, file, kind, headers = given, given, None, None
        if isinstance(given, tuple):
            filename, file, kind, headers = (*given, None, None)[:4]
        else:
            filename = getattr(given, "name", name)
        content = file.read() if hasattr(file, "read") else file
        field = RequestField(name=name, data=content, filename=str(filename).rpartition("/")[2], headers=headers)
        field.make_multipart(content_type=kind)
        found.append(field)
    return found


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
