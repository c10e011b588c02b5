"""The shopper's session: a random name in the cookie `sid`."""

import re
import secrets

from flask import Response, g, request

from staging.shop.funnel import Funnel, Step

COOKIE = "sid"
_FORM = re.compile(r"[0-9a-f]{32}")
_NEW = "new_session"


def session() -> str | None:
    """Return the request's session; None without a cookie of the shop's own form."""
    sent = request.cookies.get(COOKIE, "")
    return sent if _FORM.fullmatch(sent) else None


def session_or_new() -> str:
    """Return the request's session, or one that its reply begins."""
    if (sent := session()) is not None:
        return sent
    if _NEW not in g:
        setattr(g, _NEW, secrets.token_hex(16))
    return str(g.get(_NEW))


def keep_new_session(reply: Response, funnel: Funnel) -> Response:
    """Set the cookie of a session that this request began: one more in the funnel."""
    if _NEW in g:
        reply.set_cookie(COOKIE, g.get(_NEW), path="/", httponly=True, samesite="Lax")
        funnel.saw(Step.SESSION, g.get(_NEW))
    return reply


def note(funnel: Funnel, step: Step) -> None:
    """Count a step for the request's session; requests without one take no part in the funnel."""
    name = session()
    if name is not None:
        funnel.saw(step, name)
