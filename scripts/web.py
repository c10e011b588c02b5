"""Serving on another address than loopback: only with a token that whoever asks must bring."""

import argparse
import ipaddress

from scripts.context import Context
from slo.documents import BadInput

_SHORTEST = 16


def add_web(parser: argparse.ArgumentParser) -> None:
    """Describe where to listen, and for whom."""
    parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1; another needs --web-token-env")
    parser.add_argument(
        "--web-token-env", metavar="NAME", help="variable with the bearer token that whoever asks must bring"
    )


def web_token(options: argparse.Namespace, context: Context) -> str | None:
    """Return the token that is asked for, None on loopback without one; raises BadInput when there must be one."""
    name = options.web_token_env
    if name is None:
        if _is_loopback(options.host):
            return None
        raise BadInput(
            f"--host {options.host}: others reach it there, so whoever asks must bring a token:"
            " add --web-token-env NAME, the variable that holds it"
        )
    token = context.environment.get(name, "")
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
        raise BadInput(
            f"the environment variable {name}: expected a token of at least {_SHORTEST} printable characters"
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
