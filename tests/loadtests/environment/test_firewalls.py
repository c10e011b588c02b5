"""A firewall that takes the load for an attack is no error of the shop's, and the shop's errors are no firewall's."""

import gc
from collections.abc import Iterator

import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Reply, Request
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked
from tests.loadtests.hostile_server import HostileServer, reply

GET = Request(step="home", method="GET", path="/")
PAGE = "<!DOCTYPE html><html><head>{}</head></html>"
OWN_SCRIPT = '<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>'

CASES: list[tuple[str, str, tuple[str, ...], str, str | None]] = [
    ("too many requests", "429 Too Many Requests", (), "slow down", "blocked"),
    ("Cloudflare's challenge", "403 Forbidden", ("cf-mitigated: challenge",), "", "blocked"),
    ("its header in capitals", "503 X", ("CF-Mitigated: CHALLENGE",), "", "blocked"),
    ("a challenge that says all is well", "200 OK", ("cf-mitigated: challenge",), "<html>", "blocked"),
    ("AWS's challenge", "202 Accepted", ("x-amzn-waf-action: challenge",), "", "blocked"),
    ("AWS's captcha", "405 Method Not Allowed", ("x-amzn-waf-action: captcha",), "", "blocked"),
    ("its page", "403 X", (), PAGE.format("<script>window._cf_chl_opt={}</script>"), "blocked"),
    ("its page on 503", "503 X", (), PAGE.format("/cdn-cgi/challenge-platform/h/b/orchestrate"), "blocked"),
    ("a block page", "403 X", (), PAGE.format("<title>Attention Required! | Cloudflare</title>"), "blocked"),
    ("a captcha", "403 X", (), PAGE.format("Please solve this hCaptcha"), "blocked"),
    ("Imperva's page", "403 X", (), PAGE.format("Incapsula incident ID: 7-1"), "blocked"),
    ("the shop says no", "403 Forbidden", (), '{"error":"forbidden"}', "http_4xx"),
    ("the shop is overloaded", "503 X", (), '{"error":"payment_unavailable"}', "http_5xx"),
    ("the shop breaks on a page with a captcha", "500 X", (), PAGE.format("reCAPTCHA"), "http_5xx"),
    ("Shopify's security rejection", "430 X", (), "", "blocked"),  # shopify.dev
    ("Akamai refuses by itself", "403 Forbidden", ("Server: AkamaiGHost",), "<H1>Access Denied</H1>", "blocked"),
    ("the shop refuses behind Akamai", "403 Forbidden", ("Server: nginx",), "<H1>Access Denied</H1>", "http_4xx"),
    ("the shop breaks behind Akamai", "503 X", ("Server: AkamaiGHost",), "An error occurred", "http_5xx"),
    (
        "the shop's error page loads a captcha's script",
        "503 X",
        (),
        PAGE.format('<script src="https://js.hcaptcha.com/1/api.js"></script>'),
        "http_5xx",
    ),
    ("the shop breaks behind Cloudflare", "503 X", (), PAGE.format(OWN_SCRIPT), "http_5xx"),
    ("a page about captchas", "200 OK", (), PAGE.format("captcha"), None),
    ("a missing page about captchas", "404 X", (), PAGE.format("captcha"), "http_4xx"),
    ("another mitigation", "403 X", ("cf-mitigated: no",), "", "http_4xx"),
    ("a mark far down", "403 X", (), " " * 70_000 + "captcha", "http_4xx"),
]


@pytest.fixture
def told() -> Iterator[list[ShopperClient]]:
    clients: list[ShopperClient] = []
    yield clients
    for client in clients:
        client.close()
    clients.clear()
    gc.collect()


def answer(told: list[ShopperClient], data: bytes, rules: Blocked | None = None) -> Reply:
    with HostileServer(data) as server:
        firewall = Firewall(rules or Blocked())
        access = Access(base_url=server.url, addresses=("127.0.0.1",), headers={}, firewall=firewall)
        told.append(ShopperClient(access, 10.0))
        return told[-1].send(GET, "")


@pytest.mark.parametrize(("status", "headers", "body", "error"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_firewall_s_answer_is_told_from_the_shop_s(
    told: list[ShopperClient], status: str, headers: tuple[str, ...], body: str, error: str | None
) -> None:
    got = answer(told, reply(body.encode(), status=status, headers=headers))
    assert (got.status, got.error) == (int(status[:3]), error)


def test_what_is_written_replaces_what_is_known(told: list[ShopperClient]) -> None:
    rules = Blocked(statuses=(470,), body_contains=("Bitte warten",), header_contains={"X-Firewall": ""})
    seen = [
        answer(told, reply(status="470 X"), rules).error,
        answer(told, reply("… bitte WARTEN …".encode(), status="503 X"), rules).error,
        answer(told, reply(headers=("x-firewall: 7",)), rules).error,
        answer(told, reply(status="429 X"), rules).error,
        answer(told, reply(b"captcha", status="403 X"), rules).error,
    ]
    assert seen == ["blocked", "blocked", "blocked", "http_4xx", "http_4xx"]


def test_a_status_that_the_step_accepts_is_an_answer(told: list[ShopperClient]) -> None:
    with HostileServer(reply(status="429 X")) as server:
        access = Access(base_url=server.url, addresses=("127.0.0.1",), headers={})
        told.append(ShopperClient(access, 10.0))
        request = Request(step="checkout", method="POST", path="/", body={}, accept=frozenset({200, 429}))
        assert told[-1].send(request, "").error is None
