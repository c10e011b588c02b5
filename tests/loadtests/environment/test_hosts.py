"""Hosts beside base_url are declared, each with what it wants to see, or refused with the place."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.credentials import credentials_of, variables_of
from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment, Targets, read_targets, redacted
from slo.documents import BadInput, read_json
from tests.loadtests.environment.test_targets import facts, written

LOGIN: dict[str, Any] = {
    "url": "https://login.example/sso",
    "ceiling": {"requests_per_s": 20},
    "headers": {"X-Key": {"env": "LOGIN_KEY"}, "Accept-Language": "en"},
    "basic_auth": {"user_env": "LOGIN_USER", "password_file": "password"},
    "client_certificate": {"certificate": "client.pem", "key": "client.key"},
    "ca": "ca.pem",
    "http_version": 2,
}


def targets(hosts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    data = facts()
    data["environments"]["staging"].update({"hosts": hosts, **changes})
    return data


def environment(hosts: dict[str, Any], **changes: Any) -> Environment:
    return Environment.model_validate(targets(hosts, **changes)["environments"]["staging"])


def test_a_host_says_what_it_wants_to_see_and_its_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    found = read_targets(written(tmp_path, targets({"login": LOGIN, "cdn": {"url": "https://cdn.example"}})))
    staging = found.environments["staging"]
    login = staging.hosts["login"]
    assert (login.url, login.ceiling and login.ceiling.requests_per_s) == ("https://login.example/sso", 20)
    assert (login.ca, login.client_certificate and login.client_certificate.key) == (
        str(tmp_path / "ca.pem"), str(tmp_path / "client.key"),
    )  # fmt: skip
    assert login.basic_auth is not None
    assert login.basic_auth.password_file == str(tmp_path / "password")
    assert staging.loaded == {None: staging.base_url, "login": login.url, "cdn": "https://cdn.example"}
    assert [staging.http2_to(label) for label in (None, "login", "cdn")] == [False, True, False]
    assert {"LOGIN_KEY", "LOGIN_USER"} <= variables_of(staging)


def test_what_is_kept_with_a_run_reads_back_with_its_hosts_and_without_a_secret(tmp_path: Path) -> None:
    staging = read_targets(written(tmp_path, targets({"login": LOGIN}))).environments["staging"]
    path = tmp_path / "targets.redacted.json"
    path.write_text(json.dumps(redacted("staging", staging)))
    assert read_json(path, Targets).environments["staging"] == staging


APART = "declare each origin once, with the shortest path that holds all its pages"
USERINFO = "must not hold a name or password; headers come from the environment"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"shop": {"url": "https://a.example"}}, "hosts.shop: the label shop is base_url's own; choose another"),
    (
        {"a": {"url": "http://127.0.0.1:18080/x"}},
        f"hosts.a is at the origin of base_url; {APART}",
    ),
    (
        {"a": {"url": "https://A.example./x"}, "b": {"url": "https://a.example:443"}},
        f"hosts.b is at the origin of hosts.a; {APART}",
    ),
    (
        {"a": {"url": "https://a.example", "ceiling": {"requests_per_s": 100_000}}},
        "hosts.a.ceiling.requests_per_s must not be above the environment's own, 500",
    ),
    (
        {"a": {"url": "https://a.example", "headers": {"x-peakproof-run": "1"}}},
        "hosts.a.headers holds x-peakproof-run, which tag writes",
    ),
]


@pytest.mark.parametrize(("hosts", "why"), REFUSED, ids=[why[:20] for _, why in REFUSED])
def test_hosts_that_do_not_fit_their_environment_are_refused(tmp_path: Path, hosts: dict[str, Any], why: str) -> None:
    path = written(tmp_path, targets(hosts))
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: environments.staging: {why}"


@pytest.mark.parametrize(
    ("host", "place", "why"),
    [
        ({"url": "https://u:p@a.example"}, ".url", USERINFO),
        ({"url": "https://a.example?x=1"}, ".url", "must not hold a query or a fragment, found 'https://a.example?x=1'"),
        ({"url": "https://a.example", "port": 1}, ".port", "unknown key"),
        ({}, ".url", "required and missing"),
        (
            {"url": "https://a.example", "headers": {"X-Key": "open-to-all"}},
            ".headers", "X-Key looks like a secret: it must come from {env: NAME} or {file: PATH}",
        ),
        (
            {"url": "http://a.example", "client_certificate": {"certificate": "c", "key": "k"}},
            "", "client_certificate needs a url that begins with https://",
        ),
    ],
)  # fmt: skip
def test_a_host_that_is_none_is_refused_with_its_place_and_no_secret(
    tmp_path: Path, host: dict[str, Any], place: str, why: str
) -> None:
    path = written(tmp_path, targets({"login": host}))
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: environments.staging.hosts.login{place}: {why}"


def test_the_key_of_an_earlier_version_is_refused_with_the_new_one_and_nothing_in_it_is_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, targets({}, cdn_url="https://cdn.example"))
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert str(refusal.value) == f"{path}: environments.staging.cdn_url: is now hosts: {{cdn: {{url: …}}}}"
    assert not environment({}, cdn_url=None).hosts  # as a run of that version has it


def test_each_host_has_its_own_credentials_and_none_of_base_url_s(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("long-enough\n")
    basic = {"user_env": "LOGIN_USER", "password_file": str(tmp_path / "password")}
    hosts = {"login": {**LOGIN, "basic_auth": basic}, "cdn": {"url": "https://cdn.example"}}
    one = environment(hosts, headers={"X-Own": {"env": "OWN"}})
    found = credentials_of(one, {"OWN": "of-the-shop", "LOGIN_KEY": "of-the-login", "LOGIN_USER": "somebody"})
    assert found.revealed() == {"X-Own": "of-the-shop"}
    assert found.at("cdn").revealed() == {}
    assert set(found.at("login").revealed()) == {"X-Key", "Accept-Language", "Authorization"}
    assert {b"of-the-shop", b"of-the-login", b"long-enough"} <= set(found.masks())  # no reply of any host repeats one
    with pytest.raises(
        BadInput, match=r"^the environment variable LOGIN_KEY is not set; targets\.yaml names it in hosts"
    ):
        credentials_of(one, {"OWN": "of-the-shop"})


def test_a_host_is_verified_with_the_environment_s_authorities_unless_it_has_its_own() -> None:
    hosts = {"login": {"url": "https://a.example", "ca": "theirs.pem"}, "cdn": {"url": "https://b.example"}}
    one = environment(hosts, ca="ours.pem")
    assert [one.protection(label).ca for label in one.loaded] == ["ours.pem", "theirs.pem", "ours.pem"]
    assert one.protection("cdn").client_certificate is None


def test_a_secret_of_a_host_goes_over_no_internet_in_the_clear_and_is_long_enough_for_where_it_is() -> None:
    def look_up(host: str) -> list[str]:
        return ["93.184.216.34"] if host == "login.example" else ["127.0.0.1"]

    secret = {"headers": {"X-Key": {"env": "LOGIN_KEY"}}}
    with pytest.raises(BadInput, match=r"^http://login\.example: a secret would go over the internet in the clear"):
        resolve(environment({"login": {"url": "http://login.example", **secret}}), look_up)
    found = resolve(environment({"login": {"url": "https://login.example", **secret}}), look_up)
    assert found.kind == "public"  # as far away as the farthest of its hosts
    near = environment({"login": {"url": "https://127.0.0.1", **secret}}, token_env=None)
    resolve_environment(near, {"LOGIN_KEY": "short"})
    there = {"login": {"url": "https://login.test", **secret}}
    far = environment(there, resolve={"login.test": "10.0.0.7"}, token_env=None)
    with pytest.raises(BadInput, match=r"LOGIN_KEY: holds fewer than 8 characters"):
        resolve_environment(far, {"LOGIN_KEY": "short"})
