"""TLS is verified, always: by whom the shop is vouched for, for which name, until when, and who asks."""

import gc
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent.ssl
import pytest
import requests

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Reply, Request
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment
from loadtests.environment.tls import authorities, context_of
from slo.documents import BadInput
from tests.loadtests.certificates import Authority, Leaf
from tests.loadtests.hostile_server import HostileServer, reply
from tests.loadtests.replies import Untimed

GET = Request(step="home", method="GET", path="/")
NAME = "shop.test"

Serve = Callable[..., HostileServer]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "theirs")


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    servers: list[HostileServer] = []

    def start(leaf: Leaf, clients: Path | None = None) -> HostileServer:
        servers.append(HostileServer(reply(b"{}"), tls=authority.serve(leaf, clients)))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)
    gc.collect()


def environment(server: HostileServer, host: str = NAME, **changes: Any) -> Environment:
    facts = {
        "base_url": f"https://{host}:{server.port}",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "resolve": {NAME: "127.0.0.1"},
    }
    return Environment.model_validate({**facts, **changes})


def load(target: Environment) -> Reply:
    """Return what a shopper gets."""
    context = context_of(target, gevent.ssl.create_default_context)
    access = Access(base_url=target.base_url, addresses=("127.0.0.1",), headers={}, tls=context)
    client = ShopperClient(access, 10.0)
    told = client.send(GET, "")
    client.close()
    return told


def ask(target: Environment) -> str:
    """Return what everything but the load gets: the body, or what is said of the failure."""
    with PinnedHttp(target) as http:
        try:
            return http.get(target.base_url, timeout=10).text
        except requests.exceptions.SSLError as error:
            return f"refused: {'verify failed' if 'CERTIFICATE_VERIFY_FAILED' in str(error) else 'alert'}"
        except requests.exceptions.ConnectionError:
            return "hung up"


REFUSED = Untimed(error="connection")


def test_a_private_authority_is_trusted_when_it_is_named(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME))
    target = environment(server, ca=str(authority.certificate))
    assert (load(target), ask(target)) == (Untimed(status=200, body=b"{}"), "{}")
    assert [seen.headers["host"] for seen in server.seen] == [f"{NAME}:{server.port}"] * 2


def test_an_authority_that_nobody_named_is_refused_and_nothing_is_sent(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME))
    target = environment(server)
    assert (load(target), ask(target)) == (REFUSED, "refused: verify failed")
    assert server.seen == []


def test_another_private_authority_is_refused(authority: Authority, stranger: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME))
    target = environment(server, ca=str(stranger.certificate))
    assert (load(target), ask(target), server.seen) == (REFUSED, "refused: verify failed", [])


@pytest.mark.parametrize("name", ["other.test", "test", "shop.test.evil.example", "*.shop.test"])
def test_a_certificate_for_another_name_is_refused(authority: Authority, serve: Serve, name: str) -> None:
    server = serve(authority.sign(name))
    target = environment(server, ca=str(authority.certificate))
    assert (load(target), ask(target), server.seen) == (REFUSED, "refused: verify failed", [])


def test_the_address_that_is_connected_to_is_no_name(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign("127.0.0.1"))
    by_name = environment(server, ca=str(authority.certificate))
    by_address = environment(server, host="127.0.0.1", ca=str(authority.certificate))
    assert (load(by_name), ask(by_name)) == (REFUSED, "refused: verify failed")
    assert (load(by_address).status, ask(by_address)) == (200, "{}")


def test_an_expired_certificate_is_refused(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME, days=-1))
    target = environment(server, ca=str(authority.certificate))
    assert (load(target), ask(target), server.seen) == (REFUSED, "refused: verify failed", [])


def test_plain_http_on_a_tls_port_is_an_outcome(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME))
    access = Access(base_url=f"http://127.0.0.1:{server.port}", addresses=("127.0.0.1",), headers={})
    client = ShopperClient(access, 10.0)
    assert client.send(GET, "").error in {"connection", "protocol"}
    client.close()
    assert server.seen == []


def test_a_shop_that_wants_a_certificate_gets_the_one_that_is_named(
    authority: Authority, stranger: Authority, serve: Serve
) -> None:
    own, theirs = authority.sign("a-client"), stranger.sign("a-client")
    server = serve(authority.sign(NAME), authority.certificate)
    ca = str(authority.certificate)
    given = environment(server, ca=ca, client_certificate={"certificate": str(own.certificate), "key": str(own.key)})
    assert (load(given).status, ask(given)) == (200, "{}")
    server.seen.clear()
    wrong = {"certificate": str(theirs.certificate), "key": str(theirs.key)}
    for without in (environment(server, ca=ca), environment(server, ca=ca, client_certificate=wrong)):
        assert load(without) == REFUSED
        assert ask(without) in {"refused: alert", "hung up"}
    assert server.seen == []


def test_one_context_serves_every_shopper(authority: Authority, serve: Serve) -> None:
    server = serve(authority.sign(NAME))
    target = environment(server, ca=str(authority.certificate))
    context = context_of(target, gevent.ssl.create_default_context)
    access = Access(base_url=target.base_url, addresses=("127.0.0.1",), headers={}, tls=context)
    clients = [ShopperClient(access, 10.0) for _ in range(3)]
    assert [client.send(GET, "").status for client in clients] == [200, 200, 200]
    for client in clients:
        client.close()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_no_variable_of_the_process_changes_whom_the_audit_trusts(
    authority: Authority, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.certificate))
    server = serve(authority.sign(NAME))
    assert (ask(environment(server)), server.seen) == ("refused: verify failed", [])


def test_the_system_s_authorities_are_trusted_when_none_is_named(authority: Authority, serve: Serve) -> None:
    trusted = authorities(environment(serve(authority.sign(NAME))))
    assert Path(trusted).exists()
    assert trusted != str(authority.certificate)


# -- files that are no certificates -----------------------------------------------------------------------------


def unusable(authority: Authority, folder: Path) -> list[tuple[dict[str, Any], str]]:
    own, other = authority.sign("a-client"), authority.sign("b-client")
    locked = authority.sign("locked", passphrase="a passphrase")
    empty = folder / "empty.pem"
    empty.write_text("")
    missing = str(folder / "missing.pem")
    pair = {"certificate": str(own.certificate), "key": str(own.key)}
    mine = str(authority.certificate)
    return [
        ({"ca": missing}, f"{missing}: no CA certificates can be read: No such file or directory"),
        ({"ca": str(own.key)}, f"{own.key}: no CA certificates can be read: NO_CERTIFICATE_OR_CRL_FOUND"),
        ({"ca": str(empty)}, f"{empty}: no CA certificates can be read: NO_CERTIFICATE_OR_CRL_FOUND"),
        (
            {"ca": mine, "client_certificate": {**pair, "key": missing}},
            f"{own.certificate}, {missing}: no certificate with its key: No such file or directory",
        ),
        (
            {"ca": mine, "client_certificate": {**pair, "key": str(other.key)}},
            f"{own.certificate}, {other.key}: no certificate with its key: KEY_VALUES_MISMATCH",
        ),
        (
            {"ca": mine, "client_certificate": {"certificate": str(locked.certificate), "key": str(locked.key)}},
            (
                f"{locked.certificate}, {locked.key}: no certificate with its key:"
                " the key has a passphrase; give the key without one"
            ),
        ),
    ]


def test_a_file_that_cannot_be_used_is_refused_before_anything_is_sent(
    authority: Authority, serve: Serve, tmp_path: Path
) -> None:
    server = serve(authority.sign(NAME))
    for changes, message in unusable(authority, tmp_path):
        with pytest.raises(BadInput) as refusal:
            context_of(environment(server, **changes))
        assert str(refusal.value) == message
