"""The shopper's session: a random name in the cookie `sid`."""

import re
import secrets

from flask import Response, request

from staging.shop.funnel import Funnel, Step

COOKIE = "sid"
_FORM = re.compile(r"[0-9a-f]{32}")


def session() -> str | None:
    """Return the request's session; None without a cookie of the shop's own form."""
    sent = request.cookies.get(COOKIE, "")
    return sent if _FORM.fullmatch(sent) else None


def welcome(reply: Response, funnel: Funnel) -> Response:
    """Start a session when the request has none: one more in the funnel."""
    if session() is None:
        name = secrets.token_hex(16)
        reply.set_cookie(COOKIE, name, path="/", httponly=True, samesite="Lax")
        funnel.saw(Step.SESSION, name)
    return reply


def note(funnel: Funnel, step: Step) -> None:
    """Count a step for the request's session; requests without one take no part in the funnel."""
    name = session()
    if name is not None:
        funnel.saw(step, name)
