"""Reading a request's body as a model: JSON, or a form of the shop's own pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

from flask import request
from pydantic import ValidationError

from staging.shop.html.render import is_form
from staging.shop.sessions import session
from staging.web import Payload, RefusedError, bad_request, read_body

PayloadT = TypeVar("PayloadT", bound=Payload)
KEY_HEADER = "Idempotency-Key"
RUN_HEADER = "X-Peakproof-Run"
LONGEST_NAME = 200


def body_or_form(model: type[PayloadT], *fields: str) -> PayloadT:
    """Return the body as `model`, of a form its `fields` alone, without those that were left empty."""
    if not is_form():
        return read_body(model)
    sent = {name: request.form[name].strip() for name in fields if request.form.get(name, "").strip()}
    return of_form(model, sent)


def of_form(model: type[PayloadT], values: Mapping[str, object]) -> PayloadT:
    """Return a form's values, which are text, as `model`; refused with 400 and the first error."""
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise bad_request(f"{'.'.join(str(part) for part in first['loc']) or 'form'}: {first['msg']}") from None


def required_session() -> str:
    """Return the request's session; refused with 400 without one."""
    name = session()
    if name is None:
        raise bad_request("cookie sid: missing; GET / sets it")
    return name


def header(name: str) -> str:
    """Return a header's value, empty without it; refused with 400 when it isn't sane."""
    return checked(name, request.headers.get(name, ""))


def checked(name: str, value: str) -> str:
    """Return a name that was sent; refused with 400 when it isn't sane."""
    if len(value) > LONGEST_NAME or not value.isprintable():
        raise bad_request(f"{name}: at most {LONGEST_NAME} printable characters")
    return value


def conflict(error: str, **body: object) -> RefusedError:
    """Return a 409."""
    return RefusedError(HTTPStatus.CONFLICT, error=error, **body)
