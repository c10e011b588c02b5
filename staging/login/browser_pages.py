"""The login provider's pages for browsers: log in, register, log out."""

from http import HTTPStatus
from urllib.parse import urlencode

from flask import Flask, Response, request

from staging import forms
from staging.login.accounts import Account, Credentials, Refusal, why_not
from staging.login.grants import AuthorizationRequest, Grant
from staging.login.provider import LoginProvider

LOGIN_COOKIE = "login_session"
CSRF = forms.CsrfCookie("login_csrf")
LONGEST_VALUE = 512
_TITLES = {"login": "Log in", "register": "Register"}
_ERRORS = {
    "wrong_password": (HTTPStatus.UNAUTHORIZED, "Wrong user or password."),
    "account_locked": (HTTPStatus.LOCKED, "This account is locked."),
    "user_taken": (HTTPStatus.CONFLICT, "This user is taken."),
    "user": (HTTPStatus.UNPROCESSABLE_ENTITY, "A user has 3 to 80 characters and no space."),
    "password": (HTTPStatus.UNPROCESSABLE_ENTITY, "A password has 8 to 200 characters."),
    "name": (HTTPStatus.UNPROCESSABLE_ENTITY, "A name has at most 80 characters."),
    "csrf": (HTTPStatus.FORBIDDEN, "This form is not from this page. Go back and try again."),
    "request_expired": (HTTPStatus.BAD_REQUEST, "This login took too long. Start again in the shop."),
}


def add_browser_pages(app: Flask, provider: LoginProvider) -> None:
    """Add the pages to the application."""

    @app.get("/authorize")
    def authorize() -> Response:
        return _authorize(provider)

    @app.post("/authorize")
    def log_in() -> Response:
        return _refused_form(provider) or _log_in(provider)

    @app.get("/register")
    def registration() -> Response:
        if provider.grants.requests.find(request.args.get("request", "")) is None:
            return _error_page("request_expired")
        return _register_page(request.args["request"])

    @app.post("/register")
    def register() -> Response:
        return _refused_form(provider) or _register(provider)

    @app.get("/logout")
    def log_out() -> Response:
        return _log_out(provider)


def _authorize(provider: LoginProvider) -> Response:
    sent = {name: request.args.get(name, "") for name in ("redirect_uri", "state", "nonce", "code_challenge")}
    if request.args.get("client_id") != provider.client.client_id:
        return forms.document("Wrong link", "<p>No such client.</p>", HTTPStatus.BAD_REQUEST)
    if not provider.client.may_redirect_to(sent["redirect_uri"]):
        return forms.document("Wrong link", "<p>No such redirect_uri.</p>", HTTPStatus.BAD_REQUEST)
    if (wrong := _wrong_parameter(sent)) is not None:
        return _back(sent["redirect_uri"], error=wrong, state=sent["state"][:LONGEST_VALUE], iss=provider.issuer)
    asked = AuthorizationRequest(
        redirect_uri=sent["redirect_uri"], state=sent["state"], nonce=sent["nonce"], challenge=sent["code_challenge"]
    )
    prompt = request.args.get("prompt", "")
    account = provider.grants.logins.find(request.cookies.get(LOGIN_COOKIE, ""))
    if account is not None and not prompt:
        return _code(provider, asked, account)
    name = provider.grants.requests.add(asked)
    return _found(f"/register?{urlencode({'request': name})}") if prompt == "create" else _login_page(name)


def _log_in(provider: LoginProvider) -> Response:
    found = provider.accounts.check(_sent("user"), _sent("password"))
    if isinstance(found, Refusal):
        return _login_page(_sent("request"), "account_locked" if found is Refusal.LOCKED else "wrong_password")
    return _granted(provider, found)


def _register(provider: LoginProvider) -> Response:
    new = Credentials(user=_sent("user"), password=_sent("password"), name=_sent("name"))
    if (wrong := next(why_not(new), None)) is not None:
        return _register_page(_sent("request"), wrong)
    account = provider.accounts.register(new)
    return _granted(provider, account) if account else _register_page(_sent("request"), "user_taken")


def _wrong_parameter(sent: dict[str, str]) -> str | None:
    """Return the error of RFC 6749, 4.1.2.1, for the parameters that were sent."""
    if request.args.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in request.args.get("scope", "").split():
        return "invalid_scope"
    if request.args.get("code_challenge_method") != "S256":
        return "invalid_request"
    return None if all(0 < len(value) <= LONGEST_VALUE for value in sent.values()) else "invalid_request"


def _refused_form(provider: LoginProvider) -> Response | None:
    """Return the answer to a form that isn't from this provider's page or whose login is over."""
    if not CSRF.is_right():
        return _error_page("csrf")
    if provider.grants.requests.find(_sent("request")) is None:
        return _error_page("request_expired")
    return None


def _granted(provider: LoginProvider, account: Account) -> Response:
    asked = provider.grants.requests.take(_sent("request"))
    if asked is None:
        return _error_page("request_expired")
    reply = _code(provider, asked, account)
    reply.set_cookie(LOGIN_COOKIE, provider.grants.logins.add(account), path="/", httponly=True, samesite="Lax")
    return reply


def _code(provider: LoginProvider, asked: AuthorizationRequest, account: Account) -> Response:
    code = provider.grants.codes.add(Grant(request=asked, account=account))
    return _back(asked.redirect_uri, code=code, state=asked.state, iss=provider.issuer)


def _back(uri: str, **parameters: str) -> Response:
    return _found(f"{uri}?{urlencode(parameters)}")


def _log_out(provider: LoginProvider) -> Response:
    back = request.args.get("post_logout_redirect_uri", "")
    if request.args.get("client_id") != provider.client.client_id or not provider.client.may_return_to(back):
        return forms.document("Wrong link", "<p>No such post_logout_redirect_uri.</p>", HTTPStatus.BAD_REQUEST)
    provider.grants.logins.take(request.cookies.get(LOGIN_COOKIE, ""))
    reply = _found(back)
    reply.delete_cookie(LOGIN_COOKIE, path="/", httponly=True, samesite="Lax")
    return reply


def _login_page(name: str, wrong: str | None = None) -> Response:
    fields = forms.field("user", "User") + forms.field("password", "Password", kind="password")
    fields += f'<p><a href="/register?{urlencode({"request": name})}">New here? Register</a></p>'
    return _form_page("login", "/authorize", name, fields, wrong)


def _register_page(name: str, wrong: str | None = None) -> Response:
    fields = (
        forms.field("user", "User") + forms.field("password", "Password", kind="password") + forms.field("name", "Name")
    )
    return _form_page("register", "/register", name, fields, wrong)


def _form_page(ident: str, action: str, name: str, fields: str, wrong: str | None) -> Response:
    status, text = _ERRORS[wrong] if wrong else (HTTPStatus.OK, "")
    token, title = CSRF.token(), _TITLES[ident]
    body = forms.form(ident, action, forms.hidden({"csrf": token, "request": name}) + fields, button=title)
    return CSRF.keep(forms.document(title, (forms.error(wrong, text) if wrong else "") + body, status), token)


def _error_page(code: str) -> Response:
    status, text = _ERRORS[code]
    return forms.document("That didn't work", forms.error(code, text), status)


def _found(address: str) -> Response:
    return Response(status=HTTPStatus.FOUND, headers={"Location": address, "Cache-Control": "no-store"})


def _sent(name: str) -> str:
    return request.form.get(name, "")[:LONGEST_VALUE]
