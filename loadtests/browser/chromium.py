"""Chromium as a program: where it is, its flags, and which addresses it can reach at all."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from slo.outcomes import EnvironmentLacks

VARIABLE = "PEAKPROOF_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
_PID = "chromium.pid"
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-startup-window", "--disable-gpu", "--disable-quic",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--disable-breakpad", "--no-first-run",
    "--no-default-browser-check", "--no-proxy-server", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--mute-audio", "--window-size=1366,768",
)  # fmt: skip


def find_chromium(environment: Mapping[str, str]) -> Path:
    """Return the path of a Chromium; raises EnvironmentLacks with the command that installs one."""
    if named := environment.get(VARIABLE):
        program = Path(named).absolute()
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise EnvironmentLacks(f"--browser: ${VARIABLE} names {program}, which is not a program")
        return program
    for name in NAMES:
        if found := shutil.which(name, path=environment.get("PATH")):
            return Path(found).absolute()
    raise EnvironmentLacks(
        f"--browser: none of {', '.join(NAMES)} is on the PATH; install one with: apt-get install chromium"
        f" (brew install chromium), or set {VARIABLE} to the program's path"
    )


def check_playwright(package: str = "playwright") -> None:
    """Raise EnvironmentLacks when the package that drives the browser isn't installed."""
    if importlib.util.find_spec(package) is None:
        raise EnvironmentLacks(
            "--browser: the package playwright isn't installed; install it with:"
            " python -m pip install 'peakproof[browser]'"
        )


def arguments_of(program: Path, profile: Path, addresses: Mapping[str, Sequence[str]], *, is_root: bool) -> list[str]:
    """Return the arguments with which /bin/sh becomes a browser that reaches `addresses` alone.

    `addresses` are by `host:port`; every other name, and every other address, port included, has none for it. All that
    it keeps is in `profile`, its process id too: whatever drives it gives it a process group of its own.
    """
    rules = [f"MAP {place} {authority(at[0], int(place.rpartition(':')[2]))}" for place, at in addresses.items()]
    sandbox = ["--no-sandbox"] if is_root else []  # Chromium refuses to start as root with its sandbox
    return [
        *("-c", 'echo $$ > "$0" && exec "$@"', str(profile / _PID), str(program)),
        *_FLAGS,
        *sandbox,
        f"--user-data-dir={profile}",
        f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}",
    ]


def variables_of(environment: Mapping[str, str], profile: Path) -> dict[str, str]:
    """Return the variables for the browser and what drives it: no secret, no proxy, and no home but its profile."""
    return {name: environment[name] for name in _KEPT if name in environment} | {"HOME": str(profile)}


def kill_chromium(profile: Path) -> None:
    """Kill the browser of `profile` and all its processes, unless it never began or was killed before."""
    with suppress(OSError, ValueError):
        group = int((profile / _PID).read_text())
        (profile / _PID).unlink()
        if group > 1:
            os.killpg(group, signal.SIGKILL)


def authority(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
