"""HTML forms of the providers' own pages: the page round them, and a CSRF token that is also in a cookie."""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus

from flask import Response, request

_TOKEN_BYTES = 16


def hidden(fields: Mapping[str, str]) -> str:
    """Return hidden inputs."""
    return "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())


def field(name: str, label: str, *, kind: str = "text", value: str = "") -> str:
    """Return a labelled input."""
    return f'<p><label>{escape(label)} <input type="{kind}" name="{escape(name)}" value="{escape(value)}"></label></p>'


def select(name: str, label: str, options: Iterable[tuple[str, str, bool]]) -> str:
    """Return a labelled choice of (value, text, enabled); the first that is enabled is chosen, as browsers do."""
    listed = "".join(
        f'<option value="{escape(value)}"{"" if enabled else " disabled"}>{escape(text)}</option>'
        for value, text, enabled in options
    )
    return f'<p><label>{escape(label)} <select name="{escape(name)}">{listed}</select></label></p>'


def form(name: str, action: str, body: str, *, method: str = "post", button: str) -> str:
    """Return a form with a submit button that sends nothing of its own; `name` is its id."""
    return (
        f'<form id="{name}" method="{method}" action="{escape(action)}">{body}'
        f'<p><button type="submit">{escape(button)}</button></p></form>'
    )


def error(code: str, text: str) -> str:
    """Return the paragraph that says why a form was refused."""
    return f'<p class="error" data-error="{escape(code)}">{escape(text)}</p>'


def document(title: str, body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a page that no cache keeps."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"></head><body><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return Response(text, status, {"Cache-Control": "no-store"}, mimetype="text/html")


class CsrfCookie:
    """A token in a cookie of this origin and in the form: both must come back, and be the same."""

    def __init__(self, name: str) -> None:
        self._name = name

    def token(self) -> str:
        """Return the browser's token, or a new one for a browser without."""
        sent = request.cookies.get(self._name, "")
        return sent if len(sent) == 2 * _TOKEN_BYTES and sent.isalnum() else secrets.token_hex(_TOKEN_BYTES)

    def keep(self, reply: Response, token: str) -> Response:
        """Set the cookie beside the form that holds the token."""
        reply.set_cookie(self._name, token, path="/", httponly=True, samesite="Lax")
        return reply

    def is_right(self) -> bool:
        """Whether the form that was sent holds the cookie's token."""
        cookie, sent = request.cookies.get(self._name, ""), request.form.get("csrf", "")
        return bool(cookie) and hmac.compare_digest(cookie.encode(), sent.encode())
