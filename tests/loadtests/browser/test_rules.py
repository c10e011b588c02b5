"""Which requests a browser may send and which addresses it reaches, and how its results are read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadtests.browser.chromium import arguments_of, check_playwright, find_chromium, kill_chromium, variables_of
from loadtests.browser.gate import Gate
from loadtests.browser.messages import Timings
from loadtests.browser.walker import error_of, is_at
from loadtests.client.origin import Origin
from loadtests.environment.ceilings import Ceilings, split
from loadtests.environment.targets import Ceiling
from slo.outcomes import EnvironmentLacks


def gate(requests_per_s: float = 100, **headers: Mapping[str, str]) -> Gate:
    ceiling = Ceiling(requests_per_s=requests_per_s, open_sessions=1, orders=0)
    own = {f"https://{name}.example": held for name, held in headers.items()}
    return Gate(own, Ceilings(ceiling, 0, 1), lambda: 0)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://shop.example/x", {"X-Key": "1"}),
        ("https://SHOP.example:443/", {"X-Key": "1"}),
        ("https://cdn.example/x", {}),
        ("http://shop.example/", None),
        ("https://shop.example:444/", None),
        ("https://shop.example.evil.example/", None),
        ("https://shop.example@evil.example/", None),
        ("wss://shop.example/", None),
        ("chrome://settings/", None),
        ("https://[/", None),
    ],
)
def test_a_request_passes_to_the_environment_s_origins_only(url: str, headers: Mapping[str, str] | None) -> None:
    assert gate(shop={"X-Key": "1"}, cdn={}).headers_to(url) == headers


def test_a_browser_has_its_share_of_the_ceiling_and_the_load_the_rest() -> None:
    load, own = split(Ceiling(requests_per_s=500, open_sessions=20, orders=7))
    assert (load.requests_per_s, load.open_sessions, load.orders) == (450, 19, 7)
    assert (own.requests_per_s, own.open_sessions, own.orders) == (50, 1, 0)
    one = gate(2, shop={})
    assert [one.has_room("https://shop.example/x") for _ in range(3)] == [True, True, False]


def test_names_and_addresses_are_pinned_and_no_other_has_one(tmp_path: Path) -> None:
    to = {"shop.example:443": ("10.0.0.7", "10.0.0.8"), "[::1]:81": ("::1",)}
    arguments = arguments_of(Path("/usr/bin/chromium"), tmp_path, to, is_root=False)
    rules = "--host-resolver-rules=MAP shop.example:443 10.0.0.7:443, MAP [::1]:81 [::1]:81, MAP * ~NOTFOUND"
    assert rules in arguments
    assert f"--user-data-dir={tmp_path}" in arguments
    assert {"--disable-background-networking", "--disable-quic", "--no-proxy-server"} <= set(arguments)
    assert "--no-sandbox" not in arguments
    assert "--no-sandbox" in arguments_of(Path("/usr/bin/chromium"), tmp_path, to, is_root=True)


def test_a_browser_that_is_missing_is_named_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks) as lacks:
        find_chromium({"PATH": str(tmp_path)})
    assert str(lacks.value) == (
        "--browser: none of chromium, chromium-browser, google-chrome is on the PATH; install one with: apt-get"
        " install chromium (brew install chromium), or set PEAKPROOF_CHROMIUM to the program's path"
    )
    with pytest.raises(EnvironmentLacks, match=r"names .*/none, which is not a program$"):
        find_chromium({"PEAKPROOF_CHROMIUM": str(tmp_path / "none")})
    program = tmp_path / "google-chrome"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_chromium({"PATH": str(tmp_path)}) == program
    assert variables_of({"PATH": "p", "HOME": "h", "HTTP_PROXY": "x"}, tmp_path) == {"PATH": "p", "HOME": str(tmp_path)}


def test_a_package_that_is_missing_is_named_with_what_to_install() -> None:
    check_playwright()
    with pytest.raises(EnvironmentLacks) as lacks:
        check_playwright("no_such_package")
    assert str(lacks.value) == (
        "--browser: the package playwright isn't installed; install it with: python -m pip install 'peakproof[browser]'"
    )


@pytest.mark.parametrize("text", [None, "", "soon", "0", "1", "-7", "999999999"])
def test_a_process_number_that_leads_nowhere_kills_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "chromium.pid").write_text(text)
    kill_chromium(tmp_path)


@pytest.mark.parametrize(
    "measured", [{"ttfb": -1}, {"load": float("inf")}, {"load": "soon"}, {"ttfb": 1e12}, [], None, "x"]
)
def test_a_timing_that_can_not_be_is_none(measured: object) -> None:
    assert Timings.of(measured) == Timings()


def test_a_timing_that_is_new_is_ignored() -> None:
    assert Timings.of({"ttfb": 2, "new": 1}) == Timings(ttfb=2)


@pytest.mark.parametrize(
    ("link", "is_it"),
    [
        ("https://shop.example/base/products/tee?x=1", True),
        ("https://SHOP.example:443/base/products/tee", True),
        ("https://shop.example/products/tee", False),
        ("https://shop.example/base/search", False),
        ("https://shop.example/bases/products/", False),
        ("https://cdn.example/base/products/tee", False),
        ("http://shop.example/base/products/tee", False),
        ("https://shop.example@evil.example/base/products/tee", False),
        ("mailto:a@b.example", False),
        ("https://[/", False),
    ],
)
def test_a_link_is_followed_inside_the_shop_only(link: str, *, is_it: bool) -> None:
    assert is_at(link, "/products/", Origin.of("https://shop.example/base")) == is_it


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Page.goto: net::ERR_CONNECTION_TIMED_OUT at http://shop.example/", "timeout"),
        ("Page.goto: net::ERR_NETWORK_CHANGED at http://shop.example/", "network_changed"),
        ("Page.goto: net::ERR_BLOCKED_BY_CLIENT at http://shop.example/", "redirected_away"),
        ("Page.goto: net::ERR_INVALID_HTTP_RESPONSE at http://shop.example/", "protocol"),
        ("Page.goto: net::ERR_CONNECTION_REFUSED at http://shop.example/?q=ERR_INVALID", "connection"),
        ("Page.goto: Page crashed", "crashed"),
        ("Page.goto: Target page, context or browser has been closed", "crashed"),
        ("Page.goto: Download is starting", "connection"),
    ],
)
def test_a_navigation_that_fails_has_an_error_of_the_contract(message: str, error: str) -> None:
    assert error_of(message) == error
