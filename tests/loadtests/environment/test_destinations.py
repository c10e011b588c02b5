"""A run resolves each host once, refuses what may not be loaded, and connects to nothing else."""

import gc
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Request
from loadtests.environment.destinations import Destinations, UnresolvableError, host_of, hosts_of, look_up, resolve
from loadtests.environment.targets import Environment, redacted
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.worker.job import read_job, write_job
from slo.documents import BadInput
from tests.loadtests.hostile_server import HostileServer, reply
from tests.loadtests.prepared import prepared_run
from tests.loadtests.replies import Untimed
from tests.record_pages import record_pages

GET = Request(step="home", method="GET", path="/")


def environment(base_url: str = "https://shop.test", **changes: Any) -> Environment:
    facts = {
        "base_url": base_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
    }
    return Environment.model_validate({**facts, **changes})


class Names:
    """A resolver whose answers a test changes; it remembers what it was asked."""

    def __init__(self, **answers: str) -> None:
        self.answers: dict[str, list[str]] = {name: text.split() for name, text in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        if host.partition(".")[0] not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.answers[host.partition(".")[0]]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("::1 127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("10.1.2.3 127.0.0.1", "private"),
        ("127.0.0.1 93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
    ],
)
def test_an_environment_is_as_far_away_as_the_farthest_address_of_its_shop(answer: str, kind: str) -> None:
    found = resolve(environment(), Names(shop=answer))
    assert (found.kind, found.of("shop.test")) == (kind, tuple(answer.split()))


def test_every_host_that_is_named_is_asked_for_once() -> None:
    names = Names(shop="10.0.0.1", admin="10.0.0.2", pay="10.0.0.3", cdn="10.0.0.6", off="10.0.0.4", node="10.0.0.5")
    target = environment(
        "https://SHOP.test",
        shop_records=record_pages(
            orders="https://admin.test/orders",
            payments="https://pay.test/payments",
            stock="https://admin.test/stock",
            funnel="https://shop.test/funnel",
        ),
        hosts={"cdn": {"url": "https://cdn.test/files"}},
        kill_url="https://off.test/stop",
        metrics=[{"job": "shop", "url": "http://node.test:9100/metrics"}],
    )
    found = resolve(target, names)
    hosts = ["shop.test", "cdn.test", "admin.test", "pay.test", "off.test", "node.test"]
    assert names.asked == hosts == list(hosts_of(target))
    assert {host: one.addresses for host, one in found.hosts.items()}["pay.test"] == ("10.0.0.3",)


def test_an_override_is_taken_instead_of_the_resolver_s_word() -> None:
    names = Names(shop="93.184.216.34")
    found = resolve(environment(resolve={"Shop.Test": "10.9.9.9"}), names)
    assert (found.of("shop.test"), found.kind, names.asked) == (("10.9.9.9",), "private", [])


REFUSED = [
    ("169.254.169.254", "a link-local address, where clouds keep their metadata: nothing may be sent there"),
    ("fd00:ec2::254", "the metadata service of AWS: nothing may be sent there"),
    ("0.0.0.0", "no address of a host: nothing may be sent there"),  # noqa: S104 - to be refused
    ("224.0.0.1", "a multicast or broadcast address: nothing may be sent there"),
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_a_name_that_leads_where_nothing_may_be_sent_is_refused(address: str, why: str) -> None:
    with pytest.raises(BadInput) as refusal:
        resolve(environment(), Names(shop=f"10.0.0.1 {address}"))
    assert str(refusal.value) == f"shop.test: resolves to {address}, {why}"


@pytest.mark.parametrize("field", ["orders", "funnel", "kill_url", "hosts"])
def test_so_is_that_of_a_source_a_host_or_the_kill_switch(field: str) -> None:
    url: Any = "https://meta.test/x"
    declared: dict[str, Any] = {"hosts": {"login": {"url": url}}, "kill_url": url}
    records = {"shop_records": record_pages(**{field: url})}
    declared = {field: declared[field]} if field in declared else records
    with pytest.raises(BadInput, match=r"^meta\.test: resolves to 169\.254\.169\.254, a link-local"):
        resolve(environment(**declared), Names(shop="10.0.0.1", meta="169.254.169.254"))


def test_a_host_that_is_written_as_a_number_is_what_the_resolver_makes_of_it() -> None:
    assert look_up("2130706433") == ["127.0.0.1"]
    with pytest.raises(BadInput, match=r"^169\.254\.169\.254: resolves to 169\.254\.169\.254, a link-local"):
        resolve(environment("http://2852039166"))


@pytest.mark.parametrize(
    "host",
    [
        *("0.0.0.0", "0", "0x0", "0.0", "00000000", "[::]", "[::ffff:0.0.0.0]"),  # noqa: S104 - to be refused
        *("169.254.169.254", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "025177524776", "0251.0376.0251.0376"),
        *("169.254.43518", "169.16689662", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"),
        *("[2002:a9fe:a9fe::]", "[fe80::1]", "0xffffffff", "4294967295", "224.1", "[::ffff:224.0.0.1]"),
    ],
)
def test_no_spelling_of_an_address_leads_where_nothing_may_be_sent(host: str) -> None:
    """The real resolver reads decimal, octal, hexadecimal and shortened forms, without asking anybody."""
    with pytest.raises(BadInput, match=r": resolves to .*: nothing may be sent there$"):
        resolve(environment(f"http://{host}:8080"))


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0x7F.1", "017700000001", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::1]"]
)
def test_every_spelling_of_this_machine_is_this_machine(host: str) -> None:
    assert resolve(environment(f"http://{host}:8080")).kind == "loopback"


def test_a_host_without_an_address_is_lacking_and_no_mistake_of_the_file() -> None:
    for names, told in ((Names(), ": Name or service not known"), (Names(shop=""), "")):
        with pytest.raises(UnresolvableError) as refusal:
            resolve(environment(), names)
        assert str(refusal.value) == f"shop.test: has no address{told}"


def test_a_label_that_no_resolver_can_ask_for_is_lacking_too() -> None:
    with pytest.raises(UnresolvableError, match=r"^a{70}\.test: has no address"):
        resolve(environment(f"http://{'a' * 70}.test"))


def test_an_answer_that_is_no_address_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        resolve(environment(), Names(shop="shop"))
    assert str(refusal.value) == "shop.test: resolves to 'shop', which is no address"


def test_only_the_networks_that_are_allowed_are_loaded() -> None:
    target = environment(network={"allow": ["10.0.0.0/8", "fd00::/8"]})
    assert resolve(target, Names(shop="10.1.1.1 fd12::1")).kind == "private"
    with pytest.raises(BadInput) as refusal:
        resolve(target, Names(shop="10.1.1.1 93.184.216.34"))
    assert str(refusal.value) == (
        "shop.test: resolves to 93.184.216.34, outside the networks of network.allow: 10.0.0.0/8, fd00::/8"
    )


def test_an_empty_list_of_networks_allows_none() -> None:
    with pytest.raises(BadInput) as refusal:
        resolve(environment(network={"allow": []}), Names(shop="127.0.0.1"))
    assert str(refusal.value) == "shop.test: resolves to 127.0.0.1, outside the networks of network.allow: none"


SECRETS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"X-Gate": {"env": "GATE"}}},
    "cookie": {"headers": {"Cookie": {"file": "/run/secrets/cookie"}}},
    "basic": {"basic_auth": {"user_env": "USER_NAME", "password_env": "PASS"}},
    "orders": {"shop_records": record_pages(orders="http://shop.test/orders"), "token_env": "TOKEN"},
    "payments": {"shop_records": record_pages(payments="http://shop.test/payments"), "token_file": "token"},
    "a host": {"hosts": {"cdn": {"url": "http://shop.test:8080", "headers": {"X-Gate": {"env": "GATE"}}}}},
}


@pytest.mark.parametrize("scheme", ["http", "HTTP", "hTtP"])  # RFC 3986, 6.2.2.1: the same address
@pytest.mark.parametrize("held", SECRETS.values(), ids=SECRETS)
def test_a_secret_never_crosses_the_internet_in_the_clear_however_its_scheme_is_written(
    held: dict[str, Any], scheme: str
) -> None:
    written = json.loads(json.dumps(held).replace("http://", f"{scheme}://"))
    target = environment(f"{scheme}://shop.test", **written)
    with pytest.raises(BadInput, match=r": a secret would go over the internet in the clear; use https://$"):
        resolve(target, Names(shop="93.184.216.34"))
    for near in ("127.0.0.1", "10.0.0.1"):
        assert resolve(target, Names(shop=near)).of("shop.test") == (near,)


def test_a_client_certificate_is_shown_over_tls_alone_however_the_scheme_is_written() -> None:
    pair = {"certificate": "c.pem", "key": "k.pem"}
    for scheme in ("http", "HTTP"):
        with pytest.raises(ValueError, match="client_certificate needs a base_url that begins with https://"):
            environment(f"{scheme}://shop.test", client_certificate=pair)
        with pytest.raises(ValueError, match="client_certificate needs a url that begins with https://"):
            environment(hosts={"cdn": {"url": f"{scheme}://cdn.test", "client_certificate": pair}})
    assert environment("HTTPS://shop.test", client_certificate=pair).base_url == "https://shop.test"


def test_a_host_that_is_not_the_environment_s_has_no_addresses() -> None:
    found = resolve(environment(), Names(shop="10.0.0.1"))
    with pytest.raises(BadInput) as refusal:
        found.of("elsewhere.test")
    assert str(refusal.value) == "elsewhere.test: not a host of the environment; there are: shop.test"


# -- what workers are told --------------------------------------------------------------------------------------


def test_workers_are_told_the_addresses_and_look_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = prepared_run(tmp_path, "http://127.0.0.1:1")
    target = environment("http://shop.test:8080")
    write_json(directory.targets, redacted("lab", target))
    write_job(directory, None, "0.1.0", resolve(target, Names(shop="10.0.0.7 10.0.0.8")))

    def nobody(*_: object, **__: object) -> object:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    job = read_job(directory.path)
    assert (job.destinations.kind, job.accesses()[None].addresses) == ("private", ("10.0.0.7", "10.0.0.8"))


def forged(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> RunDirectory:
    directory = prepared_run(tmp_path, "http://127.0.0.1:1")
    path = directory.path / "job.json"
    data = json.loads(path.read_text())
    change(data["destinations"])
    path.write_text(json.dumps(data))
    return directory


def test_a_run_directory_that_was_given_another_address_is_refused(tmp_path: Path) -> None:
    directory = forged(tmp_path, lambda told: told["hosts"]["127.0.0.1"].update(addresses=["169.254.169.254"]))
    with pytest.raises(BadInput) as refusal:
        read_job(directory.path)
    assert str(refusal.value) == (
        f"{directory.path / 'job.json'}: destinations.hosts.127.0.0.1.addresses[0]: must not be a link-local address,"
        " where clouds keep their metadata, found '169.254.169.254'"
    )


def test_a_run_directory_that_knows_no_address_of_a_host_is_refused(tmp_path: Path) -> None:
    directory = forged(tmp_path, lambda told: told["hosts"]["127.0.0.1"].update(addresses=[]))
    with pytest.raises(BadInput) as refusal:
        read_job(directory.path)
    place = f"{directory.path / 'job.json'}: destinations.hosts.127.0.0.1"
    assert str(refusal.value).startswith(f"{place}: must hold an address")


def test_a_run_directory_without_the_shop_s_address_loads_nothing(tmp_path: Path) -> None:
    directory = forged(tmp_path, lambda told: told["hosts"].update({"x.test": told["hosts"].pop("127.0.0.1")}))
    with pytest.raises(BadInput) as refusal:
        read_job(directory.path).accesses()
    assert str(refusal.value) == "127.0.0.1: not a host of the environment; there are: x.test"


# -- the client goes nowhere else -------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer(reply(b"{}")) as one:
        yield one
    gc.collect()


def shopper(found: Destinations, base_url: str) -> ShopperClient:
    return ShopperClient(Access(base_url=base_url, addresses=found.of(host_of(base_url)), headers={}), 10.0)


def test_a_name_that_moves_in_mid_run_moves_no_load(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(shop="127.0.0.1")
    base_url = f"http://shop.test:{server.port}"
    found = resolve(environment(base_url), names)
    names.answers["shop"] = ["93.184.216.34"]

    def moved(*_: object, **__: object) -> object:
        raise AssertionError("asked again")

    monkeypatch.setattr("gevent.socket.getaddrinfo", moved)
    client = shopper(found, base_url)
    for _ in range(3):
        assert client.send(GET, "").status == 200
        client.close()  # the next request connects again
    assert ([seen.headers["host"] for seen in server.seen], names.asked) == ([base_url[7:]] * 3, ["shop.test"])


def test_every_address_takes_its_turn_and_one_that_is_down_is_passed_over(server: HostileServer) -> None:
    base_url = f"http://shop.test:{server.port}"
    access = Access(base_url=base_url, addresses=("127.0.0.2", "127.0.0.1", "127.0.0.3", "::1"), headers={})
    turned = [access.turned(turn).addresses for turn in range(4)]
    assert turned == [
        ("127.0.0.2", "127.0.0.1", "127.0.0.3", "::1"),
        ("127.0.0.1", "127.0.0.3", "127.0.0.2", "::1"),
        ("127.0.0.3", "127.0.0.2", "127.0.0.1", "::1"),
        ("127.0.0.2", "127.0.0.1", "127.0.0.3", "::1"),
    ]
    client = ShopperClient(access, 10.0)
    assert client.send(GET, "") == Untimed(status=200, body=b"{}")  # nobody listens on 127.0.0.2
    client.close()


def test_an_ipv6_address_may_stand_in_the_base_address() -> None:
    try:
        server = HostileServer(reply(b"{}"), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        base_url = f"http://[::1]:{server.port}"
        client = shopper(resolve(environment(base_url)), base_url)
        assert client.send(GET, "").status == 200
        client.close()
    assert server.seen[0].headers["host"] == f"[::1]:{server.port}"
    gc.collect()


@pytest.mark.parametrize(("listens", "addresses"), [("::1", "127.0.0.1 ::1"), ("127.0.0.1", "::1 127.0.0.1")])
def test_a_name_with_addresses_of_both_kinds_is_reached_by_the_one_that_answers(listens: str, addresses: str) -> None:
    """They are tried in the order of the resolver, and in no other."""
    try:
        server = HostileServer(reply(b"{}"), host=listens)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        base_url = f"http://shop.test:{server.port}"
        found = resolve(environment(base_url), Names(shop=addresses))
        client = shopper(found, base_url)
        assert client.send(GET, "").status == 200
        client.close()
    assert (found.kind, " ".join(found.of("shop.test"))) == ("loopback", addresses)
    gc.collect()


def test_no_proxy_of_the_process_comes_between(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer(reply(b'{"proxied": true}')) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        client = shopper(resolve(environment(server.url)), server.url)
        assert client.send(GET, "") == Untimed(status=200, body=b"{}")
        client.close()
    assert (len(server.seen), proxy.seen) == (1, [])
