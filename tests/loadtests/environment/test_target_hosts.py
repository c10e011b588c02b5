"""A host in `targets.yaml` is read in one way only, or refused."""

import pytest
from pydantic import ValidationError

from loadtests.environment.destinations import host_of
from loadtests.environment.targets import Environment
from tests.loadtests.environment.test_targets import facts

USERINFO = "must not hold a name or password; headers come from the environment"
ODD = "must name its host by letters, digits, dots and hyphens, or by an address"
ASCII = "must name its host in ASCII: an international name begins with xn--"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1@evil.example", USERINFO),
        ("http://127.0.0.1:80@evil.example", USERINFO),
        ("http://@evil.example", USERINFO),
        ("http://evil.example\\@127.0.0.1", USERINFO),
        ("http://127.0.0.1%40evil.example", ODD),
        ("http://127.0.0.1\\.evil.example", ODD),
        ("http://127.0.0.1;evil.example", ODD),
        ("http://127.0.0.1%2eevil.example", ODD),
        ("http://[fe80::1%25eth0]", ODD),
        ("http://-evil.example", ODD),
        ("http://.evil.example", ODD),
        ("http://evil.\u0435xample", ASCII),
        ("http://\uff11\uff12\uff17.0.0.1", ASCII),
        ("http://127\u30020\u30020\u30021", ASCII),
        ("http://m\u00fcnchen.example", ASCII),
    ],
)
def test_a_host_that_two_readers_could_take_for_two_is_none(url: str, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Environment.model_validate({**facts()["environments"]["staging"], "base_url": url})
    (error,) = refusal.value.errors()
    assert error["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("https://Shop.Example.", "shop.example."),
        ("http://a_b.example:8080/x", "a_b.example"),
        ("http://[2001:DB8::1]:80", "2001:db8::1"),
        ("http://a", "a"),
    ],
)
def test_a_host_is_read_in_one_way(url: str, host: str) -> None:
    assert host_of(Environment.model_validate({**facts()["environments"]["staging"], "base_url": url}).base_url) == host
