"""ID tokens: only one that is right in every way is taken."""

import base64
import json
from dataclasses import replace

import pytest

from staging.id_tokens import Claims, Expected, WrongTokenError, code_challenge, sign, verify

NOW_S = 1_800_000_000
CLAIMS = Claims(
    iss="http://login",
    sub="cus_1",
    aud="shop",
    exp=NOW_S + 300,
    iat=NOW_S,
    nonce="n",
    preferred_username="ann",
    name="Ann",
)
EXPECTED = Expected(issuer="http://login", audience="shop", nonce="n", now_s=NOW_S)


def test_a_token_tells_what_was_signed() -> None:
    assert verify(sign(CLAIMS, "secret"), "secret", EXPECTED) == CLAIMS


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (replace(EXPECTED, issuer="http://other"), "the ID token has another issuer"),
        (replace(EXPECTED, audience="other"), "the ID token has another audience"),
        (replace(EXPECTED, nonce="m"), "the ID token has another nonce"),
        (replace(EXPECTED, now_s=NOW_S + 331), "the ID token has another end"),
        (replace(EXPECTED, now_s=NOW_S - 31), "the ID token has another beginning"),
    ],
)
def test_a_token_for_another_login_is_refused(expected: Expected, message: str) -> None:
    with pytest.raises(WrongTokenError) as refused:
        verify(sign(CLAIMS, "secret"), "secret", expected)
    assert str(refused.value) == message


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "the ID token is no JSON Web Token"),
        ("a.b", "the ID token is no JSON Web Token"),
        ("§.b.c", "the ID token can't be read"),
        (f"{encoded({'alg': 'none'})}.{encoded(CLAIMS.model_dump())}.", "the ID token isn't signed with HS256"),
        (sign(CLAIMS, "another"), "the ID token has another signature"),
        (sign(CLAIMS, "secret") + "x", "the ID token has another signature"),
        ("x" * 9000, "the ID token is no JSON Web Token"),
    ],
)
def test_a_token_that_is_unsigned_or_unreadable_is_refused(token: str, message: str) -> None:
    with pytest.raises(WrongTokenError) as refused:
        verify(token, "secret", EXPECTED)
    assert str(refused.value) == message


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
