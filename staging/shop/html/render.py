"""A page of the shop: its head, its consent form, its forms with their CSRF token, its refusals."""

import hmac
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from flask import Response, current_app, request

from staging import forms
from staging.derived_keys import signature
from staging.shop.sessions import session, session_or_new
from staging.web import RefusedError

FORM_KEY = "FORM_KEY"
CONSENT_COOKIE = "consent"
CHOICES = ("all", "necessary")
_FORM_KIND = "application/x-www-form-urlencoded"
_TOKEN_LENGTH = 32


def wants_html() -> bool:
    """Whether the request's Accept header names HTML; every other request is answered in JSON."""
    return "text/html" in request.headers.get("Accept", "")


def is_form() -> bool:
    """Whether the request's body is a form's; it is refused with 403 unless the form is from a page of its session."""
    if request.mimetype != _FORM_KIND:
        return False
    own, sent = session(), request.form.get("csrf", "")
    if own is None or not hmac.compare_digest(_token(own).encode(), sent.encode()):
        raise RefusedError(HTTPStatus.FORBIDDEN, error="csrf")
    return True


def shop_form(name: str, action: str, fields: str, *, button: str) -> str:
    """Return a form of the shop with its token; a reader without a session gets one with the page."""
    return forms.form(name, action, forms.hidden({"csrf": _token(session_or_new())}) + fields, button=button)


def render(title: str, body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a page of the shop."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/shop.css">'
        '<script src="/assets/shop.js" defer></script></head>'
        f'<body><h1>{escape(title)}</h1><p><a href="/">Twisted Threads</a> <a href="/cart">Cart</a>'
        f' <a href="/account">Account</a></p>{body}{_consent_form()}</body></html>'
    )
    return Response(text, status, {"Vary": "Accept"}, mimetype="text/html")


def refused(error: RefusedError) -> Response:
    """Return the page of a refusal; who isn't logged in is sent to log in."""
    code = str(error.body.get("error", "error"))
    if code == "not_logged_in":
        return Response(status=HTTPStatus.FOUND, headers={"Location": f"/login?next={quote(request.path)}"})
    detail = str(error.body.get("detail", "")) or code.replace("_", " ")
    return render("That didn’t work", forms.error(code, detail), error.status)


def see_other(address: str) -> Response:
    """Return the answer to a form that succeeded."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def own_path(text: str, default: str) -> str:
    """Return `text` when it is a path of the shop: a page that a shopper may be sent on to."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and text.isascii()
    return text if is_path and " " not in text and "\\" not in text and len(text) <= 200 else default  # noqa: PLR2004 - sane


def _consent_form() -> str:
    if request.cookies.get(CONSENT_COOKIE) in CHOICES:
        return ""
    fields = forms.select("choice", "Cookies", [(choice, choice, True) for choice in CHOICES])
    following = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return shop_form("consent", "/consent", fields + forms.hidden({"next": own_path(following, "/")}), button="Save")


def _token(name: str) -> str:
    return signature(current_app.config[FORM_KEY], name)[:_TOKEN_LENGTH]
