"""Who may ask: users and a bearer token before every page but `/healthz`."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from exporters.serving.http_server import App, StartResponse
from exporters.serving.passwords import Passwords
from exporters.serving.web_protection import WebProtection
from slo.documents import BadInput

OPEN = "/healthz"


def protected(app: App, web: WebProtection | None, token: str | None) -> App:
    """Return `app` behind the users of `web` and the bearer `token`: either will do, and none is open to all.

    `/healthz` is everyone's. The headers of `web` are added to every response.
    """
    passwords = Passwords() if web is not None else None

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            config = web.config if web is not None else None
        except BadInput:
            return _refused(start_response, HTTPStatus.INTERNAL_SERVER_ERROR, "the web configuration can't be used", ())
        begin = start_response if config is None else _adding(config.headers, start_response)
        users = {} if config is None else config.basic_auth_users
        if environ["PATH_INFO"] == OPEN or (token is None and not users):
            return app(environ, begin)
        brought = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if token is not None and hmac.compare_digest(brought, f"Bearer {token}".encode()):
            return app(environ, begin)
        found = passwords.answer(users, *pair) if passwords and users and (pair := _basic(brought)) else "no"
        if found == "yes":
            return app(environ, begin)
        if found == "busy":
            wait = (("Retry-After", "1"),)
            return _refused(begin, HTTPStatus.TOO_MANY_REQUESTS, "other passwords are checked at this moment", wait)
        return _refused(begin, HTTPStatus.UNAUTHORIZED, *_wanted(token is not None, bool(users)))

    return answer


def _basic(brought: bytes) -> tuple[str, bytes] | None:
    """Return user and password of an Authorization field (RFC 7617)."""
    scheme, _, told = brought.partition(b" ")
    try:
        user, colon, password = base64.b64decode(told.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user.decode(errors="replace"), password) if scheme.lower() == b"basic" and colon else None


def _wanted(has_token: bool, has_users: bool) -> tuple[str, tuple[tuple[str, str], ...]]:  # noqa: FBT001
    challenges = [("WWW-Authenticate", name) for name, has in (("Bearer", has_token), ("Basic", has_users)) if has]
    what = " or ".join(w for w, has in (("a bearer token", has_token), ("a user and password", has_users)) if has)
    return f"{what} is wanted", tuple(challenges)


def _refused(
    start_response: StartResponse, status: HTTPStatus, why: str, fields: Iterable[tuple[str, str]]
) -> list[bytes]:
    body = f"{why}\n".encode()
    typed = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", [*typed, *fields, ("Connection", "close")])
    return [body]


def _adding(headers: tuple[tuple[str, str], ...], start_response: StartResponse) -> StartResponse:
    def begin(status: str, given: list[tuple[str, str]]) -> object:
        return start_response(status, [*given, *headers])

    return begin
