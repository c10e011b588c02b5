"""Logging in over OpenID Connect: from the shop to the provider and back."""

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from staging.derived_keys import keys_of
from tests.staging.browser import Browser, Page, fields_of
from tests.staging.conftest import ACCOUNTS, PASSWORD, Stack
from tests.staging.harness import ADMIN, TOKEN, Replica


def log_in(shop: Replica, browser: Browser, user: str, password: str = PASSWORD) -> Page:
    """Go from the shop to the provider, and send its form."""
    return browser.submit(browser.open(f"{shop.url}/login"), "form#login", user=user, password=password)


def logged_in(shop: Replica, user: str) -> Browser:
    browser = Browser()
    assert log_in(shop, browser, user).url == f"{shop.url}/account"
    return browser


def put_accounts(stack: Stack, users: list[str] | None, *, locked: bool) -> int:
    body = {"users": users, "locked": locked}
    return int(requests.put(f"{stack.login}/admin/accounts", json=body, headers=ADMIN, timeout=20).json()["changed"])


def test_a_login_goes_over_the_provider_and_back_to_the_page_that_wanted_it(stack: Stack) -> None:
    browser = Browser()
    form = browser.open(f"{stack.front.url}/account/orders")
    assert form.hops == [f"302 {stack.front.url}/account/orders", f"302 {stack.front.url}/login"]
    page = browser.submit(form, "form#login", user="ann", password=PASSWORD)
    assert page.hops == [f"302 {stack.login}/authorize", f"302 {stack.front.url}/login/callback"]
    assert (page.status, page.url) == (200, f"{stack.front.url}/account/orders")
    account = browser.http.get(f"{stack.front.url}/account", timeout=20).json()
    assert (account["user"], account["name"], account["orders"]) == ("ann", "ann", 0)
    assert {"sid", "customer", "login_csrf", "login_session"} <= set(browser.http.cookies.keys())


def test_a_login_at_one_replica_holds_at_the_other(stack: Stack) -> None:
    browser = logged_in(stack.first, "ann")
    assert browser.http.get(f"{stack.second.url}/account", timeout=20).status_code == 200


def test_a_browser_known_to_the_provider_sees_no_form(stack: Stack) -> None:
    browser = logged_in(stack.front, "ann")
    del browser.http.cookies["customer"]
    page = browser.open(f"{stack.front.url}/account")
    assert (page.status, page.url) == (200, f"{stack.front.url}/account")
    assert f"302 {stack.login}/authorize" in page.hops


def test_logging_out_leads_over_the_provider_and_the_cookie_no_longer_holds(stack: Stack) -> None:
    browser = logged_in(stack.front, "ann")
    cookie = browser.http.cookies["customer"]
    page = browser.submit(browser.open(f"{stack.front.url}/account"), "form#logout")
    assert page.hops == [f"303 {stack.front.url}/logout", f"302 {stack.login}/logout"]
    assert page.url == f"{stack.front.url}/"
    again = requests.get(f"{stack.front.url}/account", cookies={"customer": cookie}, timeout=20)
    assert (again.status_code, again.json()) == (401, {"error": "not_logged_in"})
    browser.open(f"{stack.front.url}/account").one("form#login")


def test_a_new_customer_registers_and_is_logged_in(stack: Stack) -> None:
    browser = Browser()
    form = browser.open(f"{stack.front.url}/login?new=1")
    form.one("form#register")
    for fields, status, error in (
        ({"user": "no", "password": PASSWORD}, 422, "user"),
        ({"user": "new@shop.test", "password": "short"}, 422, "password"),
        ({"user": "ann", "password": PASSWORD}, 409, "user_taken"),
    ):
        refused = browser.submit(form, "form#register", **fields)
        assert (refused.status, refused.error) == (status, error)
    page = browser.submit(refused, "form#register", user="new@shop.test", password=PASSWORD, name="New One")
    assert page.one("#customer").text() == "New One"


def test_wrong_passwords_lock_an_account_until_it_is_unlocked(stack: Stack) -> None:
    browser = Browser()
    page = browser.open(f"{stack.front.url}/login")
    answers = []
    for _ in range(5):
        page = browser.submit(page, "form#login", user="bob", password="wrong horse")
        answers.append((page.status, page.error))
    assert answers == [(401, "wrong_password")] * 4 + [(423, "account_locked")]
    assert browser.submit(page, "form#login", user="bob", password=PASSWORD).status == 423
    assert put_accounts(stack, ["bob"], locked=False) == 1
    assert browser.submit(page, "form#login", user="bob", password=PASSWORD).url == f"{stack.front.url}/account"


def test_an_admin_locks_an_account_in_mid_run(stack: Stack) -> None:
    assert put_accounts(stack, ["cid", "nobody"], locked=True) == 1
    assert log_in(stack.front, Browser(), "cid").error == "account_locked"
    listed = requests.get(f"{stack.login}/admin/accounts", headers=ADMIN, timeout=20).json()["accounts"]
    assert [row["user"] for row in listed[: len(ACCOUNTS)]] == list(ACCOUNTS)
    assert {"user": "cid", "locked": True, "wrong_passwords": 0} in listed
    assert requests.get(f"{stack.login}/admin/accounts", timeout=20).status_code == 401


def test_the_locked_out_release_refuses_every_customer(stack: Stack) -> None:
    browser = logged_in(stack.second, "dee")
    stack.second.put("release", {"release": "locked-out"}).raise_for_status()
    try:
        answers = [
            browser.http.get(f"{stack.second.url}/account", timeout=20),
            log_in(stack.second, Browser(), "dee").reply,
        ]
    finally:
        stack.second.put("release", {"release": "stable"})
    assert [answer.status_code for answer in answers] == [423, 423]
    assert answers[0].json() == {"error": "account_locked"}


def test_a_form_without_its_token_or_of_another_browser_is_refused(stack: Stack) -> None:
    page = Browser().open(f"{stack.front.url}/login")
    other = Browser()
    other.open(f"{stack.front.url}/login")
    refused = other.submit(page, "form#login", user="ann", password=PASSWORD)
    assert (refused.status, refused.error) == (403, "csrf")


def authorization(stack: Stack, browser: Browser) -> tuple[dict[str, list[str]], str]:
    """Return the query that the shop sends a browser to the provider with, and where it would go on to."""
    reply = browser.http.get(f"{stack.front.url}/login", allow_redirects=False, timeout=20)
    address = reply.headers["Location"]
    return parse_qs(urlsplit(address).query), address


def code_for(stack: Stack, browser: Browser, user: str) -> str:
    """Log in at the provider; return the address that it sends the browser back to, unvisited."""
    _, address = authorization(stack, browser)
    form = browser.open(address).one("form#login")
    reply = browser.http.post(
        f"{stack.login}/authorize",
        data={**fields_of(form), "user": user, "password": PASSWORD},
        allow_redirects=False,
        timeout=20,
    )
    assert reply.status_code == 302
    return reply.headers["Location"]


def test_a_code_counts_once_and_for_the_session_that_began_it(stack: Stack) -> None:
    browser = Browser()
    back = code_for(stack, browser, "eve")
    stranger = requests.get(back, allow_redirects=False, timeout=20)
    assert (stranger.status_code, stranger.json()["error"]) == (400, "login_failed")
    assert browser.http.get(back, allow_redirects=False, timeout=20).headers["Location"] == "/account"
    again = browser.http.get(back, allow_redirects=False, timeout=20)
    assert (again.status_code, again.json()["error"]) == (400, "login_failed")


def test_another_code_verifier_or_client_gets_no_token(stack: Stack) -> None:
    browser = Browser()
    back = code_for(stack, browser, "eve")
    code = parse_qs(urlsplit(back).query)["code"][0]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{stack.front.url}/login/callback",
        "code_verifier": "guessed",
    }
    reply = requests.post(f"{stack.login}/token", data=fields, auth=("shop", "guessed"), timeout=20)
    assert (reply.status_code, reply.json()) == (401, {"error": "invalid_client"})
    secret = keys_of(TOKEN).client_secret
    reply = requests.post(f"{stack.login}/token", data=fields, auth=("shop", secret), timeout=20)
    assert (reply.status_code, reply.json()) == (400, {"error": "invalid_grant"})
    assert browser.http.get(back, allow_redirects=False, timeout=20).json()["error"] == "login_failed"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"redirect_uri": "http://shop.test/login/callback"}, 400),
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, 400),
        ({"redirect_uri": "http://127.0.0.1:1@shop.test/login/callback"}, 400),
        ({"client_id": "another"}, 400),
        ({"response_type": "token"}, 302),
        ({"scope": "profile"}, 302),
        ({"code_challenge_method": "plain"}, 302),
    ],
)
def test_a_wrong_authorization_request_gets_no_form(stack: Stack, changed: dict[str, str], status: int) -> None:
    query, _ = authorization(stack, Browser())
    sent = {name: values[0] for name, values in query.items()}
    reply = requests.get(f"{stack.login}/authorize", params={**sent, **changed}, allow_redirects=False, timeout=20)
    assert reply.status_code == status
    assert ("error=" in reply.headers.get("Location", "")) is (status == 302)


@pytest.mark.parametrize("following", ["//evil.test/", "https://evil.test", "/\\evil.test", "evil"])
def test_a_login_goes_on_to_pages_of_the_shop_alone(stack: Stack, following: str) -> None:
    browser = Browser()
    form = browser.open(f"{stack.front.url}/login?next={following}")
    assert browser.submit(form, "form#login", user="fay", password=PASSWORD).url == f"{stack.front.url}/account"


def test_a_shop_without_a_login_provider_has_no_login(stack: Stack) -> None:
    assert requests.get(f"{stack.lossy.url}/login", timeout=20).status_code == 404


def test_no_password_code_or_cookie_is_in_a_span_or_the_access_log(stack: Stack) -> None:
    browser = Browser()
    back = code_for(stack, browser, "fay")
    trace_id = secrets.token_hex(16)
    traced = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    browser.http.get(back, headers=traced, allow_redirects=False, timeout=20)
    stack.sink.trace(trace_id, with_span=("shop", "GET /login/callback"))
    code = parse_qs(urlsplit(back).query)["code"][0]
    told = (*browser.http.cookies.get_dict().values(), PASSWORD, code)
    for text in (stack.sink.raw, stack.access_log.read_bytes()):
        assert [word for word in told if word.encode() in text] == []
