"""No room asks over HTTP in a way that a variable of the process could lead elsewhere."""

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


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


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


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_session_ignores_the_environment(path: Path) -> None:
    tree, text = tree_of(path), path.read_text()
    assert imports(tree) & OTHERS == set()
    assert calls_of_requests(tree) & CONVENIENT == set()
    makes_one = "Session" in calls_of_requests(tree) or "=requests.Session" in text or "(requests.Session" in text
    assert not makes_one or "trust_env = False" in text


def test_no_proxy_is_used_but_the_one_that_targets_yaml_declares() -> None:
    """Libraries' own ways to a proxy stay unused: what is declared goes by `loadtests.environment.proxy` alone."""
    words = (
        *("getproxies", "ProxyManager", "proxy_from_url", "proxies=", "set_tunnel", "trust_env = True"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    )
    found = [(path.name, word) for path in modules() for word in words if word in path.read_text()]
    assert found == []
    users = {path.name for path in modules() if "from loadtests.environment.proxy import" in path.read_text()}
    assert users == {
        *("access.py", "connect.py", "errors.py", "http1_client.py", "client.py", "probe.py"),  # the load
        *("pinned_http.py", "resolved_environment.py"),  # with scripts' own passing.py, all that isn't load
        "prometheus_config.py",  # Prometheus
    }


def test_nothing_turns_verification_off() -> None:
    words = ("verify=False", "verify = False", "CERT_NONE", "check_hostname = False", "insecure=True", "unverified")
    found = [(path.name, word) for path in modules() for word in words if word in path.read_text()]
    assert found == []
