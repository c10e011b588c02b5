"""Serving on another address than loopback: only with a token that whoever asks must bring."""

import argparse
import ipaddress

from scripts.context import Context
from scripts.tokens import token_named
from slo.documents import BadInput


def add_web(parser: argparse.ArgumentParser) -> None:
    """Describe where to listen, and for whom."""
    parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1; another needs --web-token-env")
    parser.add_argument(
        "--web-token-env",
        metavar="NAME",
        help="variable with the bearer token that whoever asks must bring; NAME_FILE may name a file instead",
    )


def web_token(options: argparse.Namespace, context: Context) -> str | None:
    """Return the token that is asked for, None on loopback without one; raises BadInput when there must be one."""
    name = options.web_token_env
    if name is None:
        if is_loopback(options.host):
            return None
        raise BadInput(
            f"--host {options.host}: others reach it there, so whoever asks must bring a token:"
            " add --web-token-env NAME, the variable that holds it"
        )
    return token_named(name, context.environment, "--web-token-env names it").reveal()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
