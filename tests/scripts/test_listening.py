"""Where an exporter listens, and what addresses that others reach need."""

import argparse

import pytest

from scripts.listening import Protection, listen_address, reached_by_others
from slo.documents import BadInput

NOTHING = Protection(has_token=False, has_web_config=False)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9187", ("127.0.0.1", 9187)),
        ("[::1]:0", ("::1", 0)),
        (":9187", ("0.0.0.0", 9187)),  # noqa: S104 - what it means
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses_are_those_of_prometheus_exporters(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9187", "127.0.0.1", "::1:9187", "[::1]", "[h]:1", "h:65536", "h:-1", "h:x", "h:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        listen_address(text)
    assert str(refused.value) == f"expected HOST:PORT, [IPV6]:PORT or :PORT, found {text}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "shop.example.com"])  # noqa: S104 - refused
def test_an_address_that_others_reach_needs_protection(host: str) -> None:
    addresses = [("127.0.0.1", 1), (host, 9187)]
    shown = f"[{host}]:9187" if ":" in host else f"{host}:9187"
    with pytest.raises(BadInput) as refused:
        reached_by_others(addresses, NOTHING)
    assert str(refused.value) == (
        f"{shown}: other machines reach that address, so clients must show who they are: add --web-token-env NAME,"
        " the variable that holds a token, or --web.config.file with users or client certificates"
    )
    assert reached_by_others(addresses, Protection(has_token=True, has_web_config=False))
    assert reached_by_others(addresses, Protection(has_token=False, has_web_config=True))


def test_loopback_needs_none() -> None:
    assert not reached_by_others([("127.0.0.1", 1), ("::1", 1), ("localhost", 1)], NOTHING)
