"""ID tokens of OpenID Connect Core 1.0, section 2: JSON Web Tokens (RFC 7519) signed with HS256 (RFC 7518, 3.2).

HS256 with the client's secret as key is one of the specification's own algorithms for a client that keeps a secret, and
needs nothing but the standard library's HMAC. A key pair would cost a dependency and gain nothing: the shop has its
tokens from the provider itself.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

LASTS_S = 300
LEEWAY_S = 30
_HEADER = {"alg": "HS256", "typ": "JWT"}
_PARTS = 3
LARGEST = 8192


class Claims(BaseModel):
    """What an ID token says; times in seconds since the epoch."""

    model_config = ConfigDict(strict=True, frozen=True)
    iss: str
    sub: str
    aud: str
    exp: int
    iat: int
    nonce: str
    preferred_username: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say for the client to take it."""

    issuer: str
    audience: str
    nonce: str
    now_s: int


class WrongTokenError(Exception):
    """An ID token isn't right; the text says what is wrong with it and holds nothing of it."""


def sign(claims: Claims, secret: str) -> str:
    """Return the token of the claims."""
    signed = f"{_encoded(_HEADER)}.{_encoded(claims.model_dump())}"
    return f"{signed}.{_base64(_mac(signed, secret))}"


def verify(token: str, secret: str, expected: Expected) -> Claims:
    """Return the claims of a token that is right in every way of OpenID Connect Core 1.0, 3.1.3.7; WrongTokenError."""
    parts = token.split(".")
    if len(parts) != _PARTS or len(token) > LARGEST:
        raise WrongTokenError("the ID token is no JSON Web Token")
    if _decoded(parts[0]) != _HEADER:
        raise WrongTokenError("the ID token isn't signed with HS256")
    if not hmac.compare_digest(_base64(_mac(f"{parts[0]}.{parts[1]}", secret)).encode(), parts[2].encode()):
        raise WrongTokenError("the ID token has another signature")
    try:
        claims = Claims.model_validate(_decoded(parts[1]))
    except ValidationError as error:
        raise WrongTokenError(f"the ID token has no right {error.errors()[0]['loc']}") from None
    _require(claims, expected)
    return claims


def _require(claims: Claims, expected: Expected) -> None:
    for name, is_right in (
        ("issuer", claims.iss == expected.issuer),
        ("audience", claims.aud == expected.audience),
        ("nonce", claims.nonce == expected.nonce),
        ("end", claims.exp + LEEWAY_S > expected.now_s),
        ("beginning", claims.iat - LEEWAY_S <= expected.now_s),
    ):
        if not is_right:
            raise WrongTokenError(f"the ID token has another {name}")


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return _base64(hashlib.sha256(verifier.encode()).digest())


def _mac(signed: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()


def _encoded(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise WrongTokenError("the ID token can't be read") from None
