"""What a command line may name: files of this machine, never an address."""

import argparse
import re
from pathlib import Path

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
