"""Where an exporter listens: addresses as Prometheus' exporters take them, and what those that others reach need."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from scripts.arguments import is_loopback
from slo.documents import BadInput

Address = tuple[str, int]
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what `:9187` means; refused without protection
_HIGHEST = 65_535
LOOK_S = 1.0
"""How long a thread that handles signals waits at once."""


def listen_address(text: str) -> Address:
    """Return host and port of `127.0.0.1:9187`, `[::1]:9187` or `:9187`, every address of this machine."""
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if is_bracketed else host
    if not colon or (":" in host) != is_bracketed or not (port.isascii() and port.isdigit() and int(port) <= _HIGHEST):
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, [IPV6]:PORT or :PORT, found {text}")
    return host or _EVERYWHERE, int(port)


def until_interrupted() -> None:
    """Wait until a signal interrupts the process.

    One that comes when the interpreter has looked for signals and the thread doesn't wait yet is handled when the
    thread wakes, so it never waits for long.
    """
    while not Event().wait(LOOK_S):
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What a client must show: a token, or what the web configuration asks for."""

    has_token: bool
    has_web_config: bool


def reached_by_others(addresses: Sequence[Address], protection: Protection) -> bool:
    """Return whether other machines reach one of the addresses; raises BadInput when nothing would protect it."""
    others = [(host, port) for host, port in addresses if not is_loopback(host)]
    if others and not (protection.has_token or protection.has_web_config):
        host, port = others[0]
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise BadInput(
            f"{shown}: other machines reach that address, so clients must show who they are: add --web-token-env NAME,"
            " the variable that holds a token, or --web.config.file with users or client certificates"
        )
    return bool(others)
