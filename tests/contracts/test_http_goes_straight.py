"""No room asks over HTTP in a way that a variable of the process could lead elsewhere, or without one deadline."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging")
# Functions of requests that make a session of their own, which trusts the environment.
CONVENIENT = {"get", "put", "post", "patch", "delete", "head", "options", "request"}
OTHERS = {"urllib.request", "http.client", "httpx", "urllib3.request"}


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def imports(tree: ast.Module) -> set[str]:
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return named | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def calls_of_requests(tree: ast.Module) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "requests"
    }


# Of requests' sessions, the one whose timeout is a deadline for the whole answer.
SESSION = ROOT / "loadtests" / "environment" / "direct_http.py"
# What they ask is the product: the stand-in shop's own calls, and what measures and proves.
OWN_SESSIONS = (ROOT / "staging", ROOT / "scripts" / "benches", ROOT / "scripts" / "proofs")


def offences(text: str, *, own: bool = False) -> set[str]:
    """Return what in a module's text could lead a request elsewhere, or let it wait for an answer without an end.

    A module with sessions of its `own` may wait as it likes.
    """
    if not any(word in text for word in ("requests", *OTHERS)):
        return set()
    tree = ast.parse(text)
    calls = calls_of_requests(tree)
    makes_one = "Session" in calls or "=requests.Session" in text or "(requests.Session)" in text
    trusting = {"requests.Session"} if makes_one and not (own and "trust_env = False" in text) else set()
    return (imports(tree) & OTHERS) | {f"requests.{name}" for name in calls & CONVENIENT} | trusting


def has_own(path: Path) -> bool:
    return path == SESSION or any(path.is_relative_to(folder) for folder in OWN_SESSIONS)


def test_every_session_ignores_the_environment_and_has_one_deadline_for_an_answer() -> None:
    found = {str(path.relative_to(ROOT)): offences(path.read_text(), own=has_own(path)) for path in modules()}
    assert len(found) > 200
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import urllib.request", "urllib.request"),
        ("from http.client import HTTPConnection", "http.client"),
        ("import requests\nrequests.get('http://shop.test/')", "requests.get"),
        ("import requests\nsession = requests.Session()", "requests.Session"),
        ("import requests\nsession = requests.Session()\nsession.trust_env = False", "requests.Session"),
    ],
)
def test_a_module_that_trusts_the_environment_is_found(text: str, found: str) -> None:
    assert offences(text) == {found}


def test_no_proxy_is_used_but_the_one_that_targets_yaml_declares() -> None:
    """Libraries' own ways to a proxy stay unused; who may use ours is a contract of import-linter in pyproject.toml."""
    words = (
        *("getproxies", "ProxyManager", "proxy_from_url", "proxies=", "set_tunnel", "trust_env = True"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    )
    found = [(path.name, word) for path in modules() for word in words if word in path.read_text()]
    assert found == []


# Looks at the dates of a certificate that isn't trusted, and sends nothing over that connection.
LOOKS_AT_ANY_CERTIFICATE = ROOT / "loadtests" / "probe" / "host.py"


def test_nothing_turns_verification_off() -> None:
    words = (
        "verify=False",
        "verify = False",
        "CERT_NONE",
        "check_hostname = False",
        "insecure=True",
        "create_unverified",
    )
    found = [
        (path.name, word)
        for path in modules()
        for word in words
        if word in path.read_text() and path != LOOKS_AT_ANY_CERTIFICATE
    ]
    assert found == []


def test_where_verification_is_off_nothing_is_sent() -> None:
    tree = ast.parse(LOOKS_AT_ANY_CERTIFICATE.read_text())
    calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert calls & {"send", "sendall", "sendmsg", "sendfile", "write", "makefile", "request"} == set()
    assert imports(tree) & {"requests", *OTHERS} == set()
