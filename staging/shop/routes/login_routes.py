"""Logging in at the provider and out again."""

from http import HTTPStatus

from flask import Flask, Response, request
from opentelemetry.trace import get_current_span

from staging.shop.customers.current import COOKIE, cookie, require_admitted
from staging.shop.customers.openid import LoginFailedError, LoginUnavailableError, OpenIdClient
from staging.shop.html.render import is_form, own_path, see_other
from staging.shop.routes.reading import checked
from staging.shop.sessions import session, session_or_new
from staging.shop.storefront import Storefront
from staging.web import RefusedError, not_found

CALLBACK_PATH = "/login/callback"
FIRST_PAGE = "/account"
LONGEST_CODE = 512


def add_login(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.get("/login")
    def login() -> Response:
        client, following = _client(shop), own_path(request.args.get("next", ""), FIRST_PAGE)
        attempt = shop.customers.begin(session_or_new(), following)
        try:
            url = client.authorization_url(attempt, _callback(shop), is_new=request.args.get("new") == "1")
        except LoginUnavailableError:
            raise _unavailable() from None
        return _found(url)

    @app.get(CALLBACK_PATH)
    def callback() -> Response:
        return _come_back(shop)

    @app.post("/logout")
    def logout() -> Response:
        from_form, sent = is_form(), cookie()
        if sent is not None:
            shop.customers.log_out(sent)
        reply = see_other(_logout_url(shop)) if from_form else Response(status=HTTPStatus.NO_CONTENT)
        reply.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
        return reply


def _come_back(shop: Storefront) -> Response:
    client = _client(shop)
    # A code is a secret until it is used.
    get_current_span().set_attribute("url.query", "")
    attempt = shop.customers.take(checked("state", request.args.get("state", "")), session() or "")
    if attempt is None:
        raise _failed("this login is not known: begin again at /login")
    if "error" in request.args:
        raise RefusedError(HTTPStatus.FORBIDDEN, error="login_refused")
    try:
        claims = client.claims(request.args.get("code", "")[:LONGEST_CODE], attempt, _callback(shop))
    except LoginFailedError as failed:
        raise _failed(str(failed)) from None
    except LoginUnavailableError:
        raise _unavailable() from None
    require_admitted(shop)
    reply = _found(attempt.next)
    reply.set_cookie(COOKIE, shop.customers.log_in(claims), path="/", httponly=True, samesite="Lax")
    return reply


def _client(shop: Storefront) -> OpenIdClient:
    if shop.login is None:
        raise not_found("this shop has no login provider")
    return shop.login


def _callback(shop: Storefront) -> str:
    return f"{shop.origin()}{CALLBACK_PATH}"


def _logout_url(shop: Storefront) -> str:
    try:
        return shop.login.logout_url(shop.origin()) if shop.login else "/"
    except LoginUnavailableError:
        return "/"


def _found(address: str) -> Response:
    return Response(status=HTTPStatus.FOUND, headers={"Location": address, "Cache-Control": "no-store"})


def _failed(detail: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, error="login_failed", detail=detail)


def _unavailable() -> RefusedError:
    return RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, error="login_unavailable")
