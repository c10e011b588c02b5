"""The command-line arguments that the processes of the stand-in share."""

import argparse
import os
from urllib.parse import urlsplit

TOKEN_VARIABLE = "PEAKPROOF_SHOP_TOKEN"  # noqa: S105 - the variable's name, not its value
HIGHEST_PORT = 65535


def port(text: str) -> int:
    """Return a TCP port; 0 lets the system choose one."""
    number = int(text)
    if not 0 <= number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to {HIGHEST_PORT}")
    return number


def ratio(text: str) -> float:
    """Return a share from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a ratio: 0 to 1")
    return number


def count(text: str) -> int:
    """Return a whole number from 0 to a thousand million."""
    number = int(text)
    if not 0 <= number <= 1_000_000_000:  # noqa: PLR2004 - the docstring's own bound
        raise argparse.ArgumentTypeError(f"{text} is not a count: 0 to 1000000000")
    return number


def threads(text: str) -> int:
    """Return a number of threads."""
    number = int(text)
    if not 1 <= number <= 256:  # noqa: PLR2004 - beyond it one interpreter gains nothing
        raise argparse.ArgumentTypeError(f"{text} is not a number of threads: 1 to 256")
    return number


def milliseconds(text: str) -> float:
    """Return seconds from a time given in milliseconds, at most a minute."""
    number = float(text)
    if not 0 <= number <= 60_000:  # noqa: PLR2004 - the docstring's own bound
        raise argparse.ArgumentTypeError(f"{text} is not a time: 0 to 60000 ms")
    return number / 1000


def seconds(text: str) -> float:
    """Return a time in seconds: above 0, at most a day."""
    number = float(text)
    if not 0 < number <= 86_400:  # noqa: PLR2004 - the docstring's own bound
        raise argparse.ArgumentTypeError(f"{text} is not a time: above 0, at most 86400 s")
    return number


def http_url(text: str) -> str:
    """Return an absolute http(s) URL without its last slash."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text} is not a URL such as http://127.0.0.1:18080")
    return text.rstrip("/")


def add_process_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of every process: the address to listen on and the parent whose death ends it."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="stop when the parent process PID dies")


def add_service_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the shop and of its payment provider."""
    parser.add_argument("--threads", type=threads, default=24, help="requests served at once (%(default)s)")
    parser.add_argument("--otlp", type=http_url, metavar="URL", help="send spans to this OTLP/HTTP receiver")


def token(parser: argparse.ArgumentParser) -> str:
    """Return the bearer token of the admin interfaces, which comes from the environment and never from argv."""
    value = os.environ.get(TOKEN_VARIABLE, "")
    if not value:
        parser.error(f"the environment variable {TOKEN_VARIABLE} is not set: it holds the admin bearer token")
    return value
