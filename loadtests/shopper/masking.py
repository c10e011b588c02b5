"""Requests, replies and messages without what a session was given: for whatever keeps a sample of them."""

from collections.abc import Mapping
from typing import Any

from loadtests.client.interface import Content, Reply, Request
from loadtests.environment.credentials import masked

Masks = tuple[bytes, ...]


def without(text: str, masks: Masks) -> str:
    """Return a text with every mask in it overwritten."""
    return masked(text.encode(), masks).decode(errors="replace") if masks else text


def masked_request(request: Request, masks: Masks) -> Request:
    """Return a request with every mask overwritten in its path, its headers and what it sends."""
    if not masks:
        return request
    return request._replace(
        path=without(request.path, masks),
        body=_masked(request.body, masks),
        form=_masked(request.form, masks),
        headers=_masked(request.headers, masks),
    )


def masked_reply(reply: Reply, masks: Masks) -> Reply:
    """Return a reply with every mask overwritten in its body and in where it leads to."""
    if not masks:
        return reply
    location = None if reply.location is None else without(reply.location, masks)
    return reply._replace(body=masked(reply.body, masks), location=location)


def _masked(value: Any, masks: Masks) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return without(value, masks)
    if isinstance(value, bytes):
        return masked(value, masks)
    if isinstance(value, Content):
        return value._replace(data=masked(value.data, masks))
    if isinstance(value, Mapping):
        return {_masked(name, masks): _masked(one, masks) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_masked(one, masks) for one in value)
    return value
