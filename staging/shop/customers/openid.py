"""The shop as a client of the login provider: OpenID Connect Core 1.0, authorization code flow with PKCE."""

import time
from collections.abc import Mapping
from urllib.parse import urlencode

import requests

from staging import id_tokens
from staging.derived_keys import CLIENT_ID
from staging.http_client import ThreadSessions
from staging.id_tokens import Claims, WrongTokenError, code_challenge
from staging.shop.customers.customers import Attempt

TIMEOUT_S = (1.0, 5.0)
SCOPE = "openid profile"


class LoginUnavailableError(Exception):
    """The login provider doesn't answer as it should."""


class LoginFailedError(Exception):
    """The provider refused the code, or its ID token isn't right; the text is for the shopper."""


class OpenIdClient:
    """Logins at one provider, whose endpoints are read from it once."""

    def __init__(self, issuer: str, secret: str) -> None:
        self._issuer, self._secret = issuer, secret
        self._http = ThreadSessions()
        self._endpoints: Mapping[str, str] = {}

    def authorization_url(self, attempt: Attempt, redirect_uri: str, *, is_new: bool) -> str:
        """Return where the browser goes to log in, or, with `is_new`, to register."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        if is_new:
            query["prompt"] = "create"
        return f"{self._endpoint('authorization_endpoint')}?{urlencode(query)}"

    def logout_url(self, origin: str) -> str:
        """Return where the browser goes to log out; the provider sends it back to the shop's first page."""
        query = {"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{origin}/"}
        return f"{self._endpoint('end_session_endpoint')}?{urlencode(query)}"

    def claims(self, code: str, attempt: Attempt, redirect_uri: str) -> Claims:
        """Return what the provider says of who came back with a code."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        try:
            reply = self._http.get().post(
                self._endpoint("token_endpoint"), data=fields, auth=(CLIENT_ID, self._secret), timeout=TIMEOUT_S
            )
            if reply.status_code == requests.codes.bad_request:
                raise LoginFailedError("the login provider refused the code")
            reply.raise_for_status()
            token = str(reply.json()["id_token"])
        except (requests.RequestException, ValueError, KeyError):
            raise LoginUnavailableError from None
        expected = id_tokens.Expected(
            issuer=self._issuer, audience=CLIENT_ID, nonce=attempt.nonce, now_s=int(time.time())
        )
        try:
            return id_tokens.verify(token, self._secret, expected)
        except WrongTokenError as wrong:
            raise LoginFailedError(str(wrong)) from None

    def _endpoint(self, name: str) -> str:
        if not self._endpoints:
            self._endpoints = self._discovered()
        return self._endpoints[name]

    def _discovered(self) -> Mapping[str, str]:
        url = f"{self._issuer}/.well-known/openid-configuration"
        names = ("authorization_endpoint", "token_endpoint", "end_session_endpoint")
        try:
            reply = self._http.get().get(url, timeout=TIMEOUT_S)
            reply.raise_for_status()
            document = reply.json()
            if document["issuer"] != self._issuer:
                raise LoginUnavailableError
            return {name: str(document[name]) for name in names}
        except (requests.RequestException, ValueError, KeyError, TypeError):
            raise LoginUnavailableError from None
