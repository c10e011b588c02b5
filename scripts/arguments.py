"""What a command line may name: files of this machine, never an address; where a server listens, and with which token.

On another address than loopback a server of ours answers only those who bring a token.
"""

import argparse
import ipaddress
import re
from pathlib import Path

from loadtests.results.run_directory import write_bytes
from scripts.context import Context
from scripts.tokens import token_named
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/")


def local_file(text: str) -> Path:
    """Return the path that `text` names; an address is refused, for what it holds could change unread."""
    if _ADDRESS.match(text) or text.startswith("//"):
        raise argparse.ArgumentTypeError(f"{text} is an address, not a file: fetch it, read it, then name the file")
    return Path(text)


def port(text: str) -> int:
    """Return the first of our ports."""
    return between(text, 1024, 65_000, "a port")  # above the reserved ports, with room for ours


def between(text: str, least: int, most: int, what: str) -> int:
    """Return the number that `text` is; refuses one outside of `least` to `most`."""
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"expected {what} from {least} to {most}, found {text}")
    return value


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


def write_given(path: Path, data: bytes) -> None:
    """Write the file that a command line names, whole or not at all; raises EnvironmentLacks when it can't be."""
    try:
        write_bytes(path, data)
    except OSError as error:
        raise EnvironmentLacks(f"{path}: can't be written: {error.strerror}") from error
