"""Argument types that several commands share: local files, ports, and where a server listens with which token.

A server that doesn't listen on loopback alone answers only requests that carry a token.
"""

import argparse
import ipaddress
import re
from pathlib import Path

from loadtests.demand.profiles import PROFILES, RELEASE
from loadtests.results.run_directory import write_bytes
from scripts.context import Context
from scripts.tokens import token_named
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/")


def add_run_or_comparison(parser: argparse.ArgumentParser) -> None:
    """Add the run or the comparison whose evidence a command is about, as `run_name`."""
    parser.add_argument(
        "run_name",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="path, name (also of a comparison), latest (default)",
    )


def local_file(text: str) -> Path:
    """Return the path that `text` names; a URL is refused, because its content could change unread."""
    if _ADDRESS.match(text) or text.startswith("//"):
        raise argparse.ArgumentTypeError(f"{text} is an address, not a file: download it, read it, then name the file")
    return Path(text)


def port(text: str) -> int:
    """Return `text` as the first of the ports that a command uses."""
    return between(text, 1024, 65_000, "a port")  # above the reserved ports, with room for ours


def between(text: str, least: int, most: int, what: str) -> int:
    """Return `text` as a whole number from `least` to `most`; anything else is refused, naming `what` was expected."""
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"expected {what} from {least} to {most}, found {text}")
    return value


def add_policy(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --policy: what a team decided beside its objectives."""
    parser.add_argument(
        "--policy",
        type=local_file,
        metavar="FILE",
        help=f"advisory mode, criteria over windows, waivers, error-budget policy (default: {default})",
    )


def add_signers(parser: argparse.ArgumentParser, goes: str = "") -> None:
    """Add --signers: who may have signed the evidence; `goes` says with which other option."""
    parser.add_argument(
        "--signers",
        type=local_file,
        metavar="FILE",
        help=f"{goes}whose signature the evidence must have: allowed signers, as ssh-keygen(1) has them",
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add --profile: how long the plan's run is."""
    lengths = ", ".join(f"{one.name} {span(one.duration_s)} ({one.when})" for one in PROFILES.values())
    parser.add_argument(
        "--profile",
        choices=tuple(PROFILES),
        default=RELEASE,
        help=f"how long a run is, and so what it can prove: {lengths}; default {RELEASE}",
    )


def span(duration_s: float) -> str:
    """Return a length of run for people: `3 minutes`, `2 hours`."""
    hours = duration_s / 3600
    return f"{hours:g} hours" if hours >= 1 else f"{duration_s / 60:g} minutes"


def add_web(parser: argparse.ArgumentParser) -> None:
    """Add --host and --web-token-env."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1); one that others reach needs --web-token-env",
    )
    parser.add_argument(
        "--web-token-env",
        metavar="NAME",
        help="variable that holds the bearer token clients must send; NAME_FILE may name a file that holds it",
    )


def web_token(options: argparse.Namespace, context: Context) -> str | None:
    """Return the token clients must send, None on loopback without one; raises BadInput when one is needed."""
    name = options.web_token_env
    if name is None:
        if is_loopback(options.host):
            return None
        raise BadInput(
            f"--host {options.host}: other machines reach that address, so clients must send a token:"
            " add --web-token-env NAME, the variable that holds it"
        )
    return token_named(name, context.environment, "--web-token-env names it").reveal()


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address, so that only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def write_given(path: Path, data: bytes) -> None:
    """Write a file named on the command line, whole or not at all; raises EnvironmentLacks when it can't be written."""
    try:
        write_bytes(path, data)
    except OSError as error:
        raise EnvironmentLacks(f"{path}: can't be written: {error.strerror}") from error
