"""The way to a staging site that only a proxy reaches: what `init` and `doctor` say of it, and what they leave."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.browser.visits import check_browser
from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment, ProxyTarget, read_targets
from scripts.doctor.certificate import certificate
from scripts.doctor.lines import Line
from slo.outcomes import EnvironmentLacks
from tests.loadtests import fake_shop as fake_tls_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.forward_proxy import forward_proxy
from tests.loadtests.hostile_server import HostileServer
from tests.record_pages import record_pages
from tests.scripts.verbs.test_doctor import READY, looked
from tests.scripts.verbs.test_init import GOOD
from tests.scripts.world import Command, FakeShop, World, fake_shop

SIDE_EFFECTS = dict.fromkeys(("mail", "tax", "erp", "analytics", "payments"), "off")


@pytest.fixture(autouse=True)
def _a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY_USER", "gate-keeper")
    monkeypatch.setenv("PROXY_PASSWORD", "canary-open-sesame")


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(READY) as shop:
        yield shop


def port_of(shop: FakeShop) -> int:
    return int(shop.url.rpartition(":")[2])


def behind(shop: FakeShop, proxy: HostileServer, **more: Any) -> dict[str, Any]:
    """Return what is declared of a shop at an address that nothing here has."""
    url = f"http://192.0.2.7:{port_of(shop)}"
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    paths = {"orders": "/admin/orders", "stock": "/admin/stock", "payments": "/payments"}
    return {
        "base_url": url,
        "shop_records": record_pages(**{kind: f"{url}{path}" for kind, path in paths.items()}),
        "metrics": [{"job": "shop", "url": f"{url}/metrics"}],
        "kill_url": f"{url}/kill",
        "side_effects": SIDE_EFFECTS,
        "token_env": None,
        "proxy": {"url": proxy.url, "basic_auth": basic, **more},
    }


def test_doctor_asks_for_everything_through_the_proxy(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = {f"192.0.2.7:{port_of(shop)}": port_of(shop)}
    with forward_proxy(leads, "gate-keeper:canary-open-sesame") as proxy:
        found = looked(peakproof, shop, monkeypatch, **behind(shop, proxy))
        assert found["code"] == 0, found
        assert found["proxy"]["found"] == f"all requests go through {proxy.url}"
        assert len(proxy.seen) == len(shop.asked) == 7  # the first page, release, metrics, three sources, kill URL
    assert "canary" not in repr(found)


def test_doctor_says_that_a_proxy_wants_a_password(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy({}, "somebody:else-knows-it") as proxy:
        found = looked(peakproof, shop, monkeypatch, **behind(shop, proxy))
    assert found["code"] == 75
    assert (found["proxy"]["found"], found["proxy"]["next"]) == (
        "it refuses this machine: HTTP 407",
        "declare proxy.basic_auth",
    )
    assert shop.asked == []


def test_doctor_says_that_a_proxy_leads_nowhere(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy({}, "gate-keeper:canary-open-sesame") as proxy:
        url = "https://192.0.2.7"
        declared = {**behind(shop, proxy), "base_url": url}
        found = looked(peakproof, shop, monkeypatch, **declared)
    assert found["proxy"]["found"] == f"{url}/ isn't reached through it: the proxy: it answers HTTP 502"
    assert found["TLS"]["found"] == "no handshake: it answers HTTP 502"


def test_doctor_says_what_only_the_proxy_knows(
    peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy({}) as proxy:
        declared = {**behind(shop, proxy, resolves_names=True), "base_url": "https://shop.invalid"}
        found = looked(peakproof, shop, monkeypatch, **declared)
        assert {seen.path for seen in proxy.seen if "shop.invalid" in seen.path} == {"shop.invalid:443"}
    assert found["environment"]["found"] == "staging at https://shop.invalid, public"
    assert found["names"]["found"] == (
        "only the proxy can look up shop.invalid: whether that is production is known by its name alone"
    )


def test_the_certificate_is_looked_at_through_the_proxy(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with fake_tls_shop.running(authority.serve(authority.sign("shop.test", days=30))) as one:
        port = one.server.server_port
        with forward_proxy({f"192.0.2.7:{port}": port}) as proxy:
            target = Environment.model_validate(
                {
                    "base_url": f"https://shop.test:{port}",
                    "storefront": "twisted-threads",
                    "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
                    "resolve": {"shop.test": "192.0.2.7"},
                    "ca": str(authority.certificate),
                    "proxy": {"url": proxy.url},
                }
            )
            told = certificate(resolve_environment(target, world.context().environment))
            assert told == Line(state="ok", what="TLS", found="the certificate is trusted, for 30 days more")
            assert [seen.line for seen in proxy.seen] == [f"CONNECT 192.0.2.7:{port} HTTP/1.1"]


FLAGS = ("--proxy-user-env", "PROXY_USER", "--proxy-password-env", "PROXY_PASSWORD")


def test_init_looks_through_the_proxy_and_leaves_it_in_the_file(
    peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.init.survey.EVERY_S", 0.0)
    with fake_shop(GOOD) as shop:
        name = f"shop.invalid:{port_of(shop)}"
        with forward_proxy({name: port_of(shop)}, "gate-keeper:canary-open-sesame") as proxy:
            ended = peakproof("init", f"http://{name}", "--proxy", proxy.url, *FLAGS, "--proxy-resolves-names")
            assert (ended.code, ended.err) == (0, "")
            assert len(proxy.seen) == len(shop.asked) > 2
    declared = read_targets(peakproof.folder / "targets.yaml").environment("staging", "targets.yaml").proxy
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    assert declared == ProxyTarget.model_validate({"url": proxy.url, "basic_auth": basic, "resolves_names": True})
    told = ended.out + "".join(path.read_text() for path in peakproof.folder.glob("*.yaml"))
    assert "canary" not in told


def test_init_says_that_the_proxy_leads_nowhere(peakproof: Command) -> None:
    with forward_proxy({}) as proxy:
        ended = peakproof("init", "https://192.0.2.7", "--proxy", proxy.url)
    message = "https://192.0.2.7/ isn't reached: the proxy: it answers HTTP 502; see the proxy's log"
    assert (ended.code, ended.err) == (75, f"peakproof: {message}\n")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--proxy-resolves-names",), "--proxy-user-env, --proxy-password-env and --proxy-resolves-names need --proxy"),
        (("--proxy", "http://u:canary@proxy.test:1"), "--proxy: must not hold a name or password"),
        (("--proxy", "https://proxy.test:1"), "--proxy: must begin with http://: TLS to the proxy itself isn't"),
        (("--proxy", "http://proxy.test:1", "--proxy-user-env", "U"), "--proxy: needs one of password_env"),
    ],
)
def test_a_proxy_that_is_none_is_refused(flags: tuple[str, ...], message: str, peakproof: Command) -> None:
    ended = peakproof("init", "http://192.0.2.7", *flags)
    assert ended.code == 2
    assert message in ended.err
    assert "canary" not in ended.err


def test_a_browser_is_not_led_through_a_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    target = Environment.model_validate(
        {
            "base_url": "http://127.0.0.1",
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 100, "open_sessions": 10, "orders": 10},
            "proxy": {"url": url},
        }
    )
    with pytest.raises(
        EnvironmentLacks, match=r"^--browser isn't supported with the environment's proxy; run without --browser$"
    ):
        check_browser(target)
    check_browser(target.model_copy(update={"proxy": None}))
