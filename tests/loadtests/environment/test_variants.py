"""Two releases of one environment, in targets.yaml and on the wire."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.production import is_production
from slo.documents import BadInput

BASE = {
    "base_url": "http://127.0.0.1:9",
    "storefront": "twisted-threads",
    "ceiling": {"requests_per_s": 5, "open_sessions": 5, "orders": 5},
}
TWO = {"old": {"header": {"X-Release": "a"}}, "new": {"header": {"X-Release": "b"}}}


def environment(variants: Any, **more: Any) -> Environment:
    return Environment.model_validate({**BASE, "variants": variants, **more})


def refusal(tmp_path: Path, variants: Any, **more: Any) -> str:
    document = {
        "format": "peakproof/targets/v1",
        "environments": {"lab": {**BASE, "variants": variants, **more}},
    }
    path = tmp_path / "targets.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput) as error:
        read_targets(path)
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("variants", "more", "why"),
    [
        ({"old": TWO["old"]}, {}, "variants must be two"),
        ({"old": TWO["old"], "new": TWO["old"]}, {}, "are reached alike: no request tells them apart"),
        ({"old": {"base_url": "http://127.0.0.1:9/"}, "new": {"base_url": "http://127.0.0.1:9"}}, {}, "reached alike"),
        ({**TWO, "old": {}}, {}, "needs one of header: {NAME: VALUE}, cookie: {NAME: VALUE}, base_url"),
        ({**TWO, "old": {"header": {"X-R": "1"}, "cookie": {"r": "1"}}}, {}, "needs one of"),
        ({**TWO, "old": {"header": {"X-Peakproof-Run": "1"}}}, {}, "the environment's headers or tag write"),
        ({**TWO, "old": {"header": {"X-Gate": "1"}}}, {"headers": {"x-gate": "2"}}, "headers or tag write"),
        ({**TWO, "old": {"header": {"Cookie": "r=1"}}}, {}, "Cookie has another meaning"),
        ({**TWO, "old": {"header": {"X-Api-Key": "1"}}}, {}, "looks like a secret"),
        ({**TWO, "old": {"header": {"X-R": "a\nb"}}}, {}, "should match pattern"),
        ({**TWO, "old": {"cookie": {"r": "a;b"}}}, {}, "should match pattern"),
        ({**TWO, "old": {"base_url": "https://127.0.0.1:9"}}, {}, "must begin with http://, as base_url does"),
        (
            {**TWO, "old": {"base_url": "http://127.0.0.2:80"}},
            {"hosts": {"cdn": {"url": "http://127.0.0.2"}}},
            "is at the origin of hosts.cdn",
        ),
    ],
)
def test_variants_that_cannot_be_compared_are_refused(tmp_path: Path, variants: Any, more: Any, why: str) -> None:
    assert why in refusal(tmp_path, variants, **more)


def test_an_environment_has_no_variants_unless_it_declares_two() -> None:
    assert (environment({}).variants, list(environment(TWO).variants)) == ({}, ["old", "new"])


def test_a_header_chooses_the_release_and_goes_to_the_shop_alone() -> None:
    chosen = resolve_environment(environment(TWO, hosts={"cdn": {"url": "http://127.0.0.1:8"}}), {}).variant("new")
    assert (chosen.headers({}), chosen.headers({}, "cdn")) == ({"X-Release": "b"}, {})


def test_a_cookie_is_a_header_of_all_that_is_not_load_and_a_jars_of_the_load() -> None:
    two = {"old": {"cookie": {"release": "a"}}, "new": {"cookie": {"release": "b"}}}
    resolved = resolve_environment(environment(two), {})
    assert resolved.variant("old").headers({}) == {"Cookie": "release=a"}
    assert resolved.variant("old", with_cookie=False).headers({}) == {}


def test_a_host_of_its_own_takes_the_place_of_base_url_and_is_resolved_and_may_be_production() -> None:
    two = {"old": {"header": {"X-R": "a"}}, "new": {"base_url": "http://127.0.0.7:9"}}
    one = environment(two)
    assert resolve_environment(one, {}).variant("new").environment.base_url == "http://127.0.0.7:9"
    assert "127.0.0.7" in resolve(one).hosts
    production = Environment.model_validate({**BASE, "base_url": "http://127.0.0.7:80", "production": True})
    assert is_production(one, [production])
