"""Through an environment's proxy: what is resolved, what is refused, and what the guard rails make of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.credentials import credentials_of, variables_of
from loadtests.environment.destinations import Destination, Destinations, UnresolvableError, resolve
from loadtests.environment.proxy import proxy_at
from loadtests.environment.resolved_environment import recorded_environment
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.production import is_production, production_at
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.record_pages import record_pages

KNOWN = {
    "proxy.test": ["10.0.0.3"],
    "shop.test": ["10.0.0.7"],
    "ops.test": ["10.0.0.9"],
    "meta.test": ["169.254.169.254"],
}
BASIC = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}


def environment(base_url: str = "https://shop.test", /, **changes: Any) -> Environment:
    facts: dict[str, Any] = {
        "base_url": base_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "proxy": {"url": "http://proxy.test:3128"},
    }
    return Environment.model_validate({**facts, **changes})


def through(**changes: Any) -> dict[str, Any]:
    return {"proxy": {"url": "http://proxy.test:3128", **changes}}


def asking(asked: list[str]) -> Callable[[str], Sequence[str]]:
    def ask(host: str) -> Sequence[str]:
        asked.append(host)
        return KNOWN.get(host, [host] if host[0].isdigit() or ":" in host else [])

    return ask


def resolved(target: Environment) -> Destinations:
    return resolve(target, asking([]))


PROXY = Destination(addresses=("10.0.0.3",), kind="private")


def test_the_shop_and_the_proxy_are_resolved_here_and_pinned() -> None:
    found = resolved(environment())
    shop = Destination(addresses=("10.0.0.7",), kind="private", through_proxy=True)
    assert found == Destinations(hosts={"shop.test": shop}, kind="private", proxy=PROXY)
    assert Destinations.model_validate(found.to_json()) == found


def test_without_a_proxy_nothing_is_said_of_one() -> None:
    found = resolved(environment(proxy=None))
    assert found.to_json() == {
        "hosts": {"shop.test": {"addresses": ["10.0.0.7"], "kind": "private"}},
        "kind": "private",
    }


def test_a_host_that_is_reached_straight_is_no_matter_of_the_proxys() -> None:
    target = environment(kill_url="https://OPS.test/stop", **through(straight=["Ops.test"]))
    found = resolved(target)
    assert found.hosts["ops.test"] == Destination(addresses=("10.0.0.9",), kind="private")
    ready = recorded_environment(target, found, {})
    assert ready.proxy_to("ops.test") is None
    assert ready.proxy_to("shop.test") == proxy_at(target, PROXY, ready.credentials)


def test_a_name_that_the_proxy_resolves_is_not_looked_up_and_may_be_anywhere() -> None:
    asked: list[str] = []
    found = resolve(environment(**through(resolves_names=True)), asking(asked))
    assert asked == ["proxy.test"]
    assert found.hosts["shop.test"] == Destination(addresses=(), kind="public", through_proxy=True)
    assert (found.kind, found.at("shop.test").endpoints("shop.test")) == ("public", ("shop.test",))


@pytest.mark.parametrize("host", ["10.0.0.8", "10.8", "0x0a000008", "[fd12::8]"])
def test_an_address_is_checked_though_the_proxy_resolves_names(host: str) -> None:
    asked: list[str] = []
    found = resolve(environment(f"https://{host}", **through(resolves_names=True)), lambda name: [*map(plain, [name])])
    assert [one.addresses != () for one in found.hosts.values()] == [True]
    assert found.kind == "private"
    assert asked == []


def plain(host: str) -> str:
    return {"10.8": "10.0.0.8", "0x0a000008": "10.0.0.8", "proxy.test": "10.0.0.3"}.get(host, host)


def test_what_resolve_says_is_known_here_though_the_proxy_resolves_names() -> None:
    target = environment(resolve={"Shop.test": "10.0.0.5"}, **through(resolves_names=True))
    assert resolved(target).of("shop.test") == ("10.0.0.5",)


def test_loopback_through_a_proxy_is_the_proxys_machine() -> None:
    assert resolved(environment("https://127.0.0.1")).kind == "private"
    assert resolved(environment("https://127.0.0.1", resolve={"proxy.test": "127.0.0.1"})).kind == "loopback"
    assert resolved(environment("https://127.0.0.1", resolve={"proxy.test": "8.8.4.4"})).kind == "public"


REFUSED = [
    ({"proxy": {"url": "http://meta.test:80"}}, "resolves to 169.254.169.254, a link-local address", "meta.test"),
    ({"network": {"allow": ["10.0.0.7/32"]}}, "outside the networks of network.allow: 10.0.0.7/32", "proxy.test"),
    ({"kill_url": "https://meta.test/stop"}, "resolves to 169.254.169.254, a link-local address", "meta.test"),
    (through(straight=["other.test"]), "proxy.straight: other.test is no host of the environment", "shop.test"),
    (
        {"proxy": {"url": "HTTP://Proxy.TEST:3128", "basic_auth": BASIC}, "resolve": {"proxy.test": "8.8.8.8"}},
        "the proxy's password would go over the internet in the clear",
        "http://proxy.test:3128",
    ),
    (
        {**through(basic_auth=BASIC), "resolve": {"proxy.test": "8.8.8.8"}},
        "the proxy's password would go over the internet in the clear",
        "http://proxy.test:3128",
    ),
]


@pytest.mark.parametrize(("changes", "message", "names"), REFUSED)
def test_what_no_proxy_makes_right_is_refused(changes: dict[str, Any], message: str, names: str) -> None:
    with pytest.raises(BadInput) as refusal:
        resolved(environment(**changes))
    assert message in str(refusal.value)
    assert names in str(refusal.value)


@pytest.mark.parametrize("host", ["2852039166", "0xA9.0376.43518", "0251.0376.0251.0376", "169.254.169.254"])
def test_metadata_is_refused_by_any_spelling_of_its_address_where_the_proxy_resolves_names(host: str) -> None:
    with pytest.raises(BadInput, match=r"169\.254\.169\.254.*nothing may be sent there"):
        resolved(environment(f"https://{host}", **through(resolves_names=True)))


@pytest.mark.parametrize("name", ["metadata.google.internal", "metadata.google.internal.", "metadata.goog"])
def test_metadata_is_refused_by_name_where_only_the_proxy_knows_the_address(name: str) -> None:
    with pytest.raises(BadInput, match=f"https://{name}: is where a cloud keeps its metadata"):
        resolved(environment(f"https://{name}", **through(resolves_names=True)))


@pytest.mark.parametrize("changes", [{}, {"resolve": {"shop.test": "10.0.0.5"}, **through(resolves_names=True)}])
def test_over_plain_http_the_proxy_finds_a_name_itself_which_must_be_said(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"http://shop\.test: over plain http a proxy looks the host up itself"):
        resolved(environment("http://shop.test", **changes))
    assert resolved(environment("http://shop.test", **through(resolves_names=True))).kind == "public"
    assert resolved(environment("http://10.0.0.7")).kind == "private"


def test_http_2_does_not_pass_a_proxy_in_the_clear() -> None:
    declared = {"http_version": 2, **through(resolves_names=True)}
    with pytest.raises(BadInput, match=r"http://shop\.test: a proxy takes plain http in HTTP/1\.1 alone"):
        resolved(environment("http://shop.test", **declared))
    with pytest.raises(BadInput, match=r"http://cdn\.test: a proxy takes plain http in HTTP/1\.1 alone"):
        resolved(environment(hosts={"cdn": {"url": "http://cdn.test"}}, **declared))
    resolved(environment(shop_records=record_pages(orders="http://ops.test"), **declared))
    straight = through(straight=["shop.test"])
    resolved(environment("http://shop.test", http_version=2, **straight))


SECRET = {"headers": {"X-Key": {"env": "KEY"}}}


@pytest.mark.parametrize(
    ("base_url", "changes", "told"),
    [
        ("http://10.0.0.7", {"resolve": {"proxy.test": "8.8.8.8"}}, "a secret would go over the internet in the clear"),
        (
            "http://shop.test",
            through(resolves_names=True),
            "in the clear to an address that only the proxy knows; use https://",
        ),
    ],
)
def test_a_secret_of_the_shops_does_not_go_in_the_clear_to_or_beyond_a_proxy(
    base_url: str, changes: dict[str, Any], told: str
) -> None:
    assert resolved(environment(base_url, **changes)).kind == "public"
    with pytest.raises(BadInput) as refusal:
        resolved(environment(base_url, **changes, **SECRET))
    assert told in str(refusal.value)


def test_a_proxy_without_an_address_is_what_the_environment_lacks() -> None:
    with pytest.raises(UnresolvableError, match=r"none\.test: has no address"):
        resolved(environment(proxy={"url": "http://none.test:3128"}))


# -- production -------------------------------------------------------------------------------------------------


def test_production_is_told_by_address_through_a_proxy_and_so_is_a_proxy_that_is_production() -> None:
    shop = environment("https://www.test", proxy=None, production=True)
    ask = {"www.test": ["10.0.0.7"], "shop.test": ["10.0.0.7"], "proxy.test": ["10.0.0.3"]}.__getitem__
    assert production_at(environment(), resolved(environment()), {"shop": shop}, ask) == {"shop": ["10.0.0.7"]}
    front = {"www.test": ["10.0.0.3"]}.__getitem__
    assert production_at(environment(), resolved(environment()), {"shop": shop}, front) == {"shop": ["10.0.0.3"]}


def test_what_only_the_proxy_resolves_is_production_by_its_name() -> None:
    target = environment(**through(resolves_names=True))
    same = environment(production=True, proxy=None)
    other = environment("https://www.test", production=True, proxy=None)
    assert (is_production(target, [same]), is_production(target, [other])) == (True, False)
    assert production_at(target, resolved(target), {"shop": other}, lambda _: ["10.0.0.7"]) == {}
    assert production_at(target, resolved(target), {"shop": other}, lambda _: []) == {}
    with pytest.raises(
        EnvironmentLacks,
        match="can't tell whether this is production: the address of the production environment shop",
    ):
        production_at(environment(), resolved(environment()), {"shop": other}, lambda _: [])


def test_local_ports_are_taken_at_the_proxys_addresses() -> None:
    named = resolved(environment(**through(resolves_names=True)))
    assert (named.address_count("shop.test"), len(named.of("shop.test"))) == (1, 0)
    straight = resolved(environment("https://[fd12::7]", proxy=None))
    assert straight.address_count("fd12::7") == 1


# -- the file ---------------------------------------------------------------------------------------------------

WRONG = [
    ("{url: 'https://proxy.test:3128'}", "url: must begin with http://: TLS to the proxy itself isn't supported"),
    ("{url: 'http://proxy.test'}", "url: must be http://HOST:PORT and no more"),
    ("{url: 'http://proxy.test:3128/x'}", "url: must be http://HOST:PORT and no more"),
    ("{url: 'http://u:canary-1@proxy.test:3128'}", "url: must not hold a name or password"),
    ("'http://u:canary-2@proxy.test:3128'", "proxy: Input should be"),
    ("{url: 'http://proxy.test:3128', password: canary-3}", "proxy.password: unknown key"),
    ("{url: 'http://proxy.test:3128', basic_auth: {user_env: U}}", "needs one of password_env and password_file"),
]
FILE = """\
format: peakproof/targets/v1
environments:
  lab:
    base_url: https://shop.test
    storefront: twisted-threads
    ceiling: {{requests_per_s: 1, open_sessions: 1, orders: 1}}
    proxy: {}
"""


@pytest.mark.parametrize(("declared", "message"), WRONG)
def test_a_wrong_proxy_is_refused_and_no_secret_shown(declared: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(FILE.format(declared))
    with pytest.raises(BadInput) as refusal:
        read_targets(path)
    assert message in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_networks_cannot_be_promised_where_the_proxy_resolves() -> None:
    with pytest.raises(ValueError, match=r"network\.allow and proxy\.resolves_names exclude each other"):
        environment(network={"allow": ["10.0.0.0/8"]}, **through(resolves_names=True))


def test_the_proxys_files_lie_beside_the_targets_file(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(
        FILE.format("{url: 'http://proxy.test:3128', basic_auth: {user_env: PROXY_USER, password_file: secret}}")
    )
    (tmp_path / "secret").write_text("open-sesame\n")
    target = read_targets(path).environment("lab", path)
    held = credentials_of(target, {"PROXY_USER": "gate"})
    assert held.proxy is not None
    assert held.proxy.reveal() == "Basic Z2F0ZTpvcGVuLXNlc2FtZQ=="
    assert held.revealed() == {}
    assert b"open-sesame" in held.masks()
    assert variables_of(target) == {"PROXY_USER"}


def test_an_environment_without_a_proxy_has_none_at_any_address() -> None:
    target = environment(proxy=None)
    with pytest.raises(ValueError, match=r"^no proxy is declared$"):
        proxy_at(target, PROXY, credentials_of(target, {}))


def test_a_password_that_no_head_has_room_for_is_refused() -> None:
    target = environment(**through(basic_auth=BASIC))
    held = credentials_of(target, {"PROXY_USER": "gate", "PROXY_PASSWORD": "x" * 4096})
    with pytest.raises(BadInput, match=r"^proxy\.basic_auth: must not be longer than 4096 characters in all$"):
        proxy_at(target, PROXY, held)
