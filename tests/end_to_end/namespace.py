"""A network namespace as another machine: a wire to the master, which can be cut, and another to the shop."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_IP = shutil.which("ip") or "/usr/sbin/ip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The other machine, and the addresses at which it reaches the master and the shop here."""

    name: str
    wire: str
    master: str
    shop: str

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs `words` there."""
        return [_IP, "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Cut the wire to the master."""
        _ip("-n", self.name, "link", "set", self.wire, "down")

    def mend(self) -> None:
        """Mend it."""
        _ip("-n", self.name, "link", "set", self.wire, "up")


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Make a namespace for as long as the block lasts; skip the test where that isn't allowed."""
    tag = f"pp{os.getpid() % 100_000}"
    first, second = f"10.213.{os.getpid() % 250}", f"10.214.{os.getpid() % 250}"
    try:
        _ip("netns", "add", tag)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespace (root, iproute2): {error}")
    try:
        _ip("-n", tag, "link", "set", "lo", "up")
        for letter, network in (("a", first), ("b", second)):
            here, there = f"{tag}{letter}0", f"{tag}{letter}1"
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", tag)
            _ip("addr", "add", f"{network}.1/30", "dev", here)
            _ip("-n", tag, "addr", "add", f"{network}.2/30", "dev", there)
            _ip("link", "set", here, "up")
            _ip("-n", tag, "link", "set", there, "up")
        yield Elsewhere(name=tag, wire=f"{tag}a1", master=f"{first}.1", shop=f"{second}.1")
    finally:
        for letter in "ab":  # a namespace that is removed gives its wires back only later
            _ip("link", "del", f"{tag}{letter}0", check=False)
        _ip("netns", "del", tag)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run([_IP, *words], check=check, capture_output=True, text=True, timeout=20)
