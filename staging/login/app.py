"""The login provider over HTTP: discovery, tokens, administration, and the pages for browsers."""

import hmac
import secrets
import time
from http import HTTPStatus
from typing import Annotated

from flask import Flask, Response, jsonify, request
from pydantic import Field, StringConstraints

from staging import id_tokens
from staging.login.browser_pages import add_browser_pages
from staging.login.grants import Grant
from staging.login.provider import LoginProvider
from staging.telemetry import Telemetry
from staging.web import Payload, RefusedError, json_app, not_found, read_body, read_page, require_token

BODY_LIMIT = 1 << 20
SCOPE = "openid profile"
User = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class LockBody(Payload):
    """The body of `PUT /admin/accounts`."""

    users: Annotated[list[User], Field(max_length=5000)] | None
    locked: bool


def login_app(provider: LoginProvider, telemetry: Telemetry, token: str) -> Flask:
    """Return the provider's application."""
    app = json_app("login", body_limit=BODY_LIMIT)
    telemetry.instrument(app)
    add_browser_pages(app, provider)
    _add_protocol(app, provider)
    _add_administration(app, provider, token)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.exposition(), mimetype="text/plain")

    return app


def _add_protocol(app: Flask, provider: LoginProvider) -> None:
    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        issuer = provider.issuer
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            end_session_endpoint=f"{issuer}/logout",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["HS256"],
            code_challenge_methods_supported=["S256"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
            prompt_values_supported=["login", "create"],
            scopes_supported=SCOPE.split(),
        )

    @app.post("/token")
    def token() -> Response:
        _require_client(provider)
        if request.form.get("grant_type") != "authorization_code":
            raise RefusedError(HTTPStatus.BAD_REQUEST, error="unsupported_grant_type")
        grant = provider.grants.codes.take(request.form.get("code", ""))
        if grant is None or not _is_same_request(grant):
            raise RefusedError(HTTPStatus.BAD_REQUEST, error="invalid_grant")
        reply = jsonify(
            access_token=secrets.token_urlsafe(24),
            token_type="Bearer",  # noqa: S106 - the type's name
            expires_in=id_tokens.LASTS_S,
            id_token=_id_token(provider, grant),
            scope=SCOPE,
        )
        reply.headers["Cache-Control"] = "no-store"
        return reply


def _require_client(provider: LoginProvider) -> None:
    sent = request.authorization
    user, password = (sent.username or "", sent.password or "") if sent and sent.type == "basic" else ("", "")
    is_right = hmac.compare_digest(password.encode(), provider.client.secret.encode())
    if user != provider.client.client_id or not is_right:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, error="invalid_client")


def _is_same_request(grant: Grant) -> bool:
    challenge = id_tokens.code_challenge(request.form.get("code_verifier", ""))
    is_same_uri = request.form.get("redirect_uri") == grant.request.redirect_uri
    return is_same_uri and hmac.compare_digest(challenge.encode(), grant.request.challenge.encode())


def _id_token(provider: LoginProvider, grant: Grant) -> str:
    now_s = int(time.time())
    claims = id_tokens.Claims(
        iss=provider.issuer,
        sub=grant.account.subject,
        aud=provider.client.client_id,
        exp=now_s + id_tokens.LASTS_S,
        iat=now_s,
        nonce=grant.request.nonce,
        preferred_username=grant.account.user,
        name=grant.account.name,
    )
    return id_tokens.sign(claims, provider.client.secret)


def _add_administration(app: Flask, provider: LoginProvider, token: str) -> None:
    @app.get("/admin/accounts")
    def accounts() -> Response:
        require_token(token)
        after, limit = read_page()
        page = provider.accounts.page(after, limit)
        rows = [{"user": one.user, "locked": one.locked, "wrong_passwords": one.wrong_passwords} for one in page]
        return jsonify(accounts=rows, next=page[-1].sequence if len(page) == limit else None)

    @app.delete("/admin/accounts/<user>")
    def remove(user: str) -> Response:
        require_token(token)
        if not provider.accounts.remove(user):
            raise not_found("no such account")
        return Response(status=HTTPStatus.NO_CONTENT)

    @app.put("/admin/accounts")
    def lock() -> Response:
        require_token(token)
        body = read_body(LockBody)
        return jsonify(changed=provider.accounts.set_locked(body.users, locked=body.locked))
