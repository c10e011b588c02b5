"""TLS, users and headers by `--web.config.file`: as exporter-toolkit has them, and as the file is now."""

import logging
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import requests

from exporters.serving.http_server import StartResponse
from exporters.serving.pages import Pages, Server, listen
from exporters.serving.passwords import Passwords
from exporters.serving.protection import protected
from exporters.serving.web_config import read_web_config
from exporters.serving.web_protection import WebProtection
from slo.documents import BadInput
from tests.loadtests.certificates import Authority
from tests.promtool import NEEDED, PROMTOOL

EXAMPLE = Path(__file__).parents[3] / "examples" / "exporters" / "web-config.yml"
CANARY = "canary-of-a-password"


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def file(tmp_path: Path, authority: Authority) -> Path:
    """Return a web configuration whose certificate is for 127.0.0.1."""
    leaf = authority.sign("127.0.0.1")
    shutil.copy(leaf.certificate, tmp_path / "server.crt")
    shutil.copy(leaf.key, tmp_path / "server.key")
    return tmp_path / "web.yml"


TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"


@contextmanager
def serving(path: Path, token: str | None = None, *, must_ask: bool = False) -> Iterator[Server]:
    web = WebProtection(path, must_ask=must_ask)
    (server,) = listen(protected(Pages([]).answer, web, token), [("127.0.0.1", 0)], web=web)
    try:
        yield server
    finally:
        server.stop()


def get(server: Server, path: str = "/metrics", **options: Any) -> requests.Response:
    return requests.get(server.url + path, timeout=30, **options)


# ---- TLS


def test_tls_is_spoken_and_plain_http_is_told_so(file: Path, authority: Authority) -> None:
    file.write_text(TLS)
    with serving(file) as server:
        assert server.url.startswith("https://")
        assert get(server, verify=authority.certificate).status_code == 200
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert plain.recv(4096).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_new_certificate_is_used_without_a_restart(file: Path, authority: Authority, tmp_path: Path) -> None:
    file.write_text(TLS)
    with serving(file) as server:
        port = int(server.url.rpartition(":")[2])
        before = ssl.get_server_certificate(("127.0.0.1", port), timeout=30)
        leaf = authority.sign("127.0.0.1", days=2)
        shutil.copy(leaf.certificate, tmp_path / "server.crt")
        shutil.copy(leaf.key, tmp_path / "server.key")
        after = ssl.get_server_certificate(("127.0.0.1", port), timeout=30)
        assert (before == after, after == leaf.certificate.read_text()) == (False, True)


def test_only_a_client_whose_certificate_the_authority_signed_is_answered(
    file: Path, authority: Authority, tmp_path: Path
) -> None:
    leaf, stranger = authority.sign("prometheus.example"), Authority(tmp_path / "other").sign("prometheus.example")
    more = f"client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.certificate}"
    file.write_text(TLS.replace("}", f", {more}}}"))
    with serving(file, must_ask=True) as server:
        known = (leaf.certificate, leaf.key)
        assert get(server, verify=authority.certificate, cert=known).status_code == 200
        for cert in (None, (stranger.certificate, stranger.key)):
            with pytest.raises(requests.ConnectionError):
                get(server, verify=authority.certificate, cert=cert)
        file.write_text(TLS.replace("}", f", {more}, client_allowed_sans: [grafana.example]}}"))
        with pytest.raises(requests.ConnectionError):
            get(server, verify=authority.certificate, cert=known)
        file.write_text(TLS.replace("}", f", {more}, client_allowed_sans: [prometheus.example]}}"))
        assert get(server, verify=authority.certificate, cert=known).status_code == 200


@pytest.mark.parametrize(("allowed", "spoken"), [("max_version: TLS12", "TLSv1.2"), ("min_version: TLS13", "TLSv1.3")])
def test_the_versions_of_tls_are_those_allowed(file: Path, authority: Authority, allowed: str, spoken: str) -> None:
    suite = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]"
    file.write_text(TLS.replace("}", f", {allowed}, {suite}}}"))
    with serving(file) as server:
        context = ssl.create_default_context(cafile=str(authority.certificate))
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with (
            socket.create_connection(address, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            assert client.version() == spoken
            assert spoken == "TLSv1.3" or "CHACHA20" in client.cipher()[0]  # type: ignore[index]


def test_clients_that_do_not_end_their_handshake_keep_nobody_from_an_answer(file: Path, authority: Authority) -> None:
    file.write_text(TLS)
    with serving(file) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        silent = [socket.create_connection(address, timeout=30) for _ in range(20)]
        for client in silent[10:]:
            client.sendall(b"\x16\x03\x01")
        assert get(server, verify=authority.certificate).status_code == 200
        for client in silent:
            client.close()


def test_an_answer_that_is_taken_slowly_over_tls_arrives_whole(file: Path, authority: Authority) -> None:
    file.write_text(TLS)
    large = bytes(range(256)) * (64 << 10)

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(len(large)))])
        return [large]

    web = WebProtection(file)
    (server,) = listen(app, [("127.0.0.1", 0)], web=web)
    try:
        with requests.get(server.url, verify=str(authority.certificate), stream=True, timeout=30) as reply:
            time.sleep(0.6)
            assert reply.content == large
    finally:
        server.stop()


# ---- users


def test_users_are_asked_for_their_password_and_a_new_one_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{prometheus: '{hashed(CANARY)}'}}\n")
    with serving(path) as server:
        assert get(server, auth=("prometheus", CANARY)).status_code == 200
        for auth in (None, ("prometheus", "wrong"), ("nobody", CANARY), ("prometheus", CANARY + "x" * 80)):
            reply = get(server, auth=auth)
            assert (reply.status_code, reply.text) == (401, "a user and password is wanted\n"), auth
            assert reply.headers["WWW-Authenticate"] == "Basic"
        assert get(server, "/healthz").status_code == 200
        path.write_text(f"basic_auth_users: {{prometheus: '{hashed('another')}'}}\n")
        assert [get(server, auth=("prometheus", word)).status_code for word in (CANARY, "another")] == [401, 200]


@pytest.mark.parametrize("brought", ["Basic", "Basic !!!", "Basic cHJvbWV0aGV1cw==", "Bearer x", "Basic \u00e9", "x"])
def test_what_is_no_user_and_password_is_refused(tmp_path: Path, brought: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{prometheus: '{hashed(CANARY)}'}}\n")
    with serving(path) as server:
        assert get(server, headers={"Authorization": brought.encode("latin-1")}).status_code == 401


def test_a_token_and_a_user_open_the_same_door(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{prometheus: '{hashed(CANARY)}'}}\n")
    with serving(path, token="tok") as server:
        assert get(server, headers={"Authorization": "Bearer tok"}).status_code == 200
        assert get(server, auth=("prometheus", CANARY)).status_code == 200
        assert get(server, headers={"Authorization": "Bearer other"}).status_code == 401


def test_a_token_is_wanted_where_a_file_has_no_users(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    with serving(path, token="tok") as server:
        assert get(server).status_code == 401
        reply = get(server, headers={"Authorization": "Bearer tok"})
        assert (reply.status_code, reply.headers["X-Frame-Options"]) == (200, "deny")


def test_who_comes_again_costs_no_second_check() -> None:
    checked: list[bytes] = []

    def check(password: bytes, against: bytes) -> bool:
        checked.append(password)
        return bcrypt.checkpw(password, against)

    known, users = Passwords(check), {"a": hashed(CANARY)}
    assert [known.answer(users, "a", CANARY.encode()) for _ in range(3)] == ["yes"] * 3
    for guess in range(150):
        assert known.answer(users, "a", b"guess %d" % guess) == "no"
    assert known.answer(users, "a", CANARY.encode()) == "yes"
    assert checked.count(CANARY.encode()) == 1
    assert known.answer({}, "a", CANARY.encode()) == "no"  # who is a user no more
    assert CANARY not in repr(vars(known))


def test_guesses_do_not_hold_every_thread() -> None:
    assert Passwords(most_at_once=0).answer({"a": hashed(CANARY)}, "a", CANARY.encode()) == "busy"


# ---- the file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate_limit: {interval: 1s}",
         ("the top: rate_limit is not supported: a source is read once however many ask, and"
         " slow clients hold nobody up")),
        ("tls_config: {}", "tls_config: unknown key"),
        ("tls_server_config: {cert_file: a}", "tls_server_config.key_file: required and missing"),
        ("tls_server_config: {cert: x, key_file: b}",
         "tls_server_config: cert is not supported: name a file in cert_file"),
        ("tls_server_config: {cert_file: a, key_file: b, curve_preferences: [X25519]}",
         "tls_server_config: curve_preferences is not supported: OpenSSL's own are used"),
        ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
         ("tls_server_config: client_ca_file goes with client_auth_type VerifyClientCertIfGiven or"
         " RequireAndVerifyClientCert, and neither without the other")),
        ("tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [c]}",
         "tls_server_config: client_allowed_sans goes with client_auth_type RequireAndVerifyClientCert"),
        ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequestClientCert}",
         ("tls_server_config.client_auth_type: Input should be 'NoClientCert', 'VerifyClientCertIfGiven' or"
         " 'RequireAndVerifyClientCert', found 'RequestClientCert'")),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
         "tls_server_config.min_version: Input should be 'TLS12' or 'TLS13', found 'TLS10'"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}",
         "tls_server_config: min_version TLS13 is above max_version TLS12"),
        (f"basic_auth_users: {{prometheus: '{CANARY}, found {CANARY}'}}",
         "basic_auth_users.prometheus: expected a bcrypt hash of cost 4 to 16, as `htpasswd -nBC 10 ''` prints"),
        (f"basic_auth_users: {{prometheus: '$2y$31${'a' * 53}'}}",
         "basic_auth_users.prometheus: expected a bcrypt hash of cost 4 to 16, as `htpasswd -nBC 10 ''` prints"),
        ("http_server_config: {headers: {X-Mine: a}}", "http_server_config.headers.X-Mine: unknown key"),
        ("http_server_config: {headers: {X-Frame-Options: allow}}",
         "http_server_config.headers.X-Frame-Options: Input should be 'deny' or 'sameorigin', found 'allow'"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb: c"}}',
         "http_server_config.headers.X-XSS-Protection: expected printable ASCII characters, found 'a\\r\\nb: c'"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_named_and_no_password_shown(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_web_config(path)
    assert str(refused.value) == f"{path}: {message}"


def test_a_key_that_is_not_the_certificates_is_refused(file: Path, authority: Authority, tmp_path: Path) -> None:
    shutil.copy(authority.sign("other.example").key, tmp_path / "server.key")
    file.write_text(TLS)
    with pytest.raises(BadInput, match=r"server\.key: not a certificate and its key: KEY_VALUES_MISMATCH$"):
        WebProtection(file)
    shutil.copy(authority.sign("p.example", passphrase="word").key, tmp_path / "server.key")
    with pytest.raises(BadInput, match=r"server\.key: not a certificate and its key: the key needs a passphrase$"):
        WebProtection(file)
    (tmp_path / "server.key").unlink()
    with pytest.raises(BadInput, match=r"server\.key: key_file: can't be read$"):
        WebProtection(file)


def test_while_the_file_can_not_be_used_nobody_is_answered_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporters")
    path = tmp_path / "web.yml"
    right = f"basic_auth_users: {{prometheus: '{hashed(CANARY)}'}}\n"
    path.write_text(right)
    with serving(path, must_ask=True) as server:
        for text in ("nonsense: 1\n", "http_server_config: {}\n"):
            path.write_text(text)
            replies = [get(server, auth=("prometheus", CANARY)) for _ in range(2)]
            assert [(one.status_code, one.text) for one in replies] == 2 * [
                (500, "the web configuration can't be used\n")
            ]
        path.write_text(right)
        assert get(server, auth=("prometheus", CANARY)).status_code == 200
    wanted = "basic_auth_users or client_auth_type RequireAndVerifyClientCert"
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: nonsense: unknown key; nobody is answered until it can be used",
        (
            f"{path}: other machines reach this server, so the file must have {wanted};"
            " nobody is answered until it can be used"
        ),
        f"{path}: can be used again",
    ]


def test_the_example_is_one_that_works(file: Path, authority: Authority) -> None:
    shutil.copy(EXAMPLE, file)
    with serving(file, must_ask=True) as server:
        reply = get(server, auth=("prometheus", "example"), verify=authority.certificate)
    assert reply.status_code == 200
    assert (reply.headers["X-Content-Type-Options"], reply.headers["X-Frame-Options"]) == ("nosniff", "deny")


@NEEDED
@pytest.mark.usefixtures("authority")
def test_promtool_finds_nothing_to_say_about_the_example(file: Path) -> None:
    shutil.copy(EXAMPLE, file)
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, "check", "web-config", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, f"{file} SUCCESS\n")
