"""The browser as a program: where it is, what it is told, and which addresses it can reach at all."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.client.origin import Origin
from slo.outcomes import EnvironmentLacks

VARIABLE = "PEAKPROOF_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--disable-breakpad", "--no-first-run", "--no-default-browser-check",
    "--no-proxy-server", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--mute-audio",
    "--window-size=1366,768",
)  # fmt: skip


def find_chromium(environment: Mapping[str, str]) -> Path:
    """Return the path of a Chromium; raises EnvironmentLacks with what helps."""
    if told := environment.get(VARIABLE):
        program = Path(told).absolute()
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


def command_of(program: Path, profile: Path, reach: Mapping[Origin, Sequence[str]], *, is_root: bool) -> list[str]:
    """Return the command line for a browser that keeps everything in `profile` and reaches `reach` alone.

    Every other name, and every other address, port included, has no address for it.
    """
    rules = [f"MAP {_authority(one.host, one.port)} {_authority(told[0], one.port)}" for one, told in reach.items()]
    sandbox = ["--no-sandbox"] if is_root else []  # as root the sandbox can't be had
    return [
        str(program),
        *_FLAGS,
        *sandbox,
        f"--user-data-dir={profile}",
        f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}",
        "about:blank",
    ]


def variables_of(environment: Mapping[str, str], profile: Path) -> dict[str, str]:
    """Return what the browser sees of our environment: no secret, no proxy, and no home but its profile."""
    return {name: environment[name] for name in _KEPT if name in environment} | {"HOME": str(profile)}


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
