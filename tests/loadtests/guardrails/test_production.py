"""Production is production by any name and by its bare address: what leads there wants the same permission."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.destinations import resolve
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.production import is_production, production_at, undeclared
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.scripts.world import targets

CEILING = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
DNS = {
    "shop.example.com": ["198.51.100.7", "2001:db8::7"],
    "alias.example.net": ["198.51.100.7"],
    "six.example.net": ["2001:db8::7"],
    "staging.example.com": ["198.51.100.9"],
    "mapped.example.net": ["::ffff:198.51.100.7"],
    "3325256711": ["198.51.100.7"],  # as a resolver reads a number
}


def ask(host: str) -> list[str]:
    if host in DNS:
        return DNS[host]
    if host[0].isdigit() or ":" in host:
        return [host]
    raise OSError(-2, "Name or service not known")


def environment(base_url: str, **declared: Any) -> Environment:
    return Environment.model_validate(
        {"base_url": base_url, "storefront": "twisted-threads", "ceiling": CEILING, **declared}
    )


PRODUCTION = environment("https://shop.example.com", production=True)


def reached(base_url: str, production: Environment = PRODUCTION, **declared: Any) -> dict[str, list[str]]:
    one = environment(base_url, **declared)
    return production_at(one, resolve(one, ask), {"shop": production}, ask)


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://alias.example.net:8080", "198.51.100.7"),
        ("http://198.51.100.7", "198.51.100.7"),
        ("http://3325256711", "198.51.100.7"),
        ("http://mapped.example.net", "198.51.100.7"),
        ("http://[::ffff:198.51.100.7]", "198.51.100.7"),
        ("http://six.example.net", "2001:db8::7"),
        ("http://[2001:db8:0::7]", "2001:db8::7"),
    ],
)
def test_an_alias_and_the_bare_address_lead_to_production(base_url: str, address: str) -> None:
    assert reached(base_url) == {"shop": [address]}


def test_another_shop_does_not() -> None:
    assert reached("http://staging.example.com") == {}


STAGING = "http://staging.example.com"


@pytest.mark.parametrize("url", ["http://alias.example.net", "https://shop.example.com/static"])
def test_a_staging_whose_assets_are_production_s_leads_to_production(url: str) -> None:
    assert reached(STAGING, hosts={"cdn": {"url": url}})["shop"][0] == "198.51.100.7"


def test_production_s_cdn_is_production_by_name_and_by_address() -> None:
    served = environment(
        "https://shop.internal.test", production=True, hosts={"cdn": {"url": "https://shop.example.com"}}
    )
    told = served.model_copy(update={"resolve": {"shop.internal.test": "203.0.113.1"}})
    assert reached("http://alias.example.net", told) == {"shop": ["198.51.100.7"]}
    assert is_production(environment(STAGING, hosts={"cdn": {"url": "https://shop.example.com/x"}}), [served])
    assert is_production(environment("https://shop.example.com"), [served])
    assert not is_production(environment(STAGING), [served])


def test_a_bare_address_of_a_cdn_is_helped_by_no_word() -> None:
    one = environment(STAGING, hosts={"cdn": {"url": "http://198.51.100.7"}}, shares_addresses_with=["shop"])
    assert undeclared(one, {"shop": ["198.51.100.7"]}) == {"shop": ["198.51.100.7"]}


def test_an_override_of_either_side_counts() -> None:
    assert reached("http://staging.example.com", resolve={"staging.example.com": "198.51.100.7"}) == {
        "shop": ["198.51.100.7"]
    }
    moved = environment("https://shop.example.com", production=True, resolve={"shop.example.com": "203.0.113.1"})
    assert reached("http://203.0.113.1", moved) == {"shop": ["203.0.113.1"]}
    assert reached("http://198.51.100.7", moved) == {"shop": ["198.51.100.7"]}


def test_a_production_that_nobody_here_knows_is_no_leave_to_load_anything() -> None:
    unknown = environment("https://shop.internal", production=True)
    with pytest.raises(EnvironmentLacks) as refused:
        reached("http://staging.example.com", unknown)
    assert str(refused.value) == (
        "can't tell whether this is production: the address of the production environment shop isn't known"
        " (shop.internal: has no address: Name or service not known); add it to environments.shop in the targets file:"
        " resolve: {shop.internal: ADDRESS}"
    )
    told = environment("https://shop.internal", production=True, resolve={"shop.internal": "198.51.100.7"})
    assert reached("http://staging.example.com", told) == {}


def test_a_front_that_serves_both_is_declared_by_name() -> None:
    named = environment("http://alias.example.net", shares_addresses_with=["shop"])
    found = reached("http://alias.example.net")
    assert undeclared(named, found) == {}
    assert undeclared(environment("http://alias.example.net", shares_addresses_with=["other"]), found) == found


@pytest.mark.parametrize("host", ["198.51.100.7", "[::ffff:198.51.100.7]", "3325256711", "198.51.25607", "0xc6336407"])
def test_no_word_lets_the_bare_address_of_production_through(host: str) -> None:
    bare = environment(f"http://{host}", shares_addresses_with=["shop"])
    assert undeclared(bare, {"shop": ["198.51.100.7"]}) == {"shop": ["198.51.100.7"]}


def test_the_other_environment_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(targets(shares_addresses_with=["shop"]))
    with pytest.raises(BadInput) as refused:
        read_targets(path)
    assert str(refused.value) == (
        f"{path}: environments.staging.shares_addresses_with: no environment 'shop'; there are: staging"
    )


LIVE_PAY = {"pay": {"url": "https://pay.example.com:8443/v2", "production": True}}


def test_a_host_that_one_environment_calls_production_is_production_for_all() -> None:
    said = environment(STAGING, hosts=LIVE_PAY)
    assert is_production(said, [])
    assert is_production(
        environment("http://other.example.com", hosts={"x": {"url": "http://PAY.example.com."}}), [said]
    )
    assert is_production(environment("https://pay.example.com"), [said])
    assert not is_production(environment(STAGING), [said])  # of that environment it is the one host


def test_the_address_of_one_host_of_production_leads_there_and_that_of_its_staging_does_not() -> None:
    said = environment(STAGING, hosts=LIVE_PAY, resolve={"pay.example.com": "198.51.100.70"})
    assert reached("http://198.51.100.70", said) == {"shop": ["198.51.100.70"]}
    assert reached("http://198.51.100.9", said) == {}
    there = {"login": {"url": "https://198.51.100.70"}}
    assert reached("http://198.51.100.9", said, hosts=there) == {"shop": ["198.51.100.70"]}
    assert undeclared(environment(STAGING, hosts=there, shares_addresses_with=["shop"]), {"shop": ["x"]})
