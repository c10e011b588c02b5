"""Finds Prometheus: $PEAKPROOF_PROMETHEUS, PATH, the cache, else Debian's package unpacked without root.

apt-get runs with private state, lists and cache, so nothing of the machine changes and no root is needed; the
package is unpacked, not installed. apt checks its signature against the machine's keys.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from slo.outcomes import EnvironmentLacks

VARIABLE = "PEAKPROOF_PROMETHEUS"
CACHE_VARIABLE = "PEAKPROOF_CACHE"
_APT_TIMEOUT_S = 180


def find_prometheus(environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Return the path of a `prometheus` program; raises EnvironmentLacks with the command that installs one."""
    if given := environment.get(VARIABLE):
        return _usable(Path(given).absolute(), f"${VARIABLE}", environment)
    if found := shutil.which("prometheus", path=environment.get("PATH")):
        return Path(found).absolute()
    cached = cache_folder(environment) / "prometheus" / "usr" / "bin" / "prometheus"
    if not os.access(cached, os.X_OK):
        say("fetching Prometheus from Debian's packages (19 MB, once; nothing is installed)")
        try:
            _fetch(cache_folder(environment), environment)
        except OSError as error:
            raise EnvironmentLacks(
                f"Prometheus can't be kept in {cache_folder(environment)}: {error.strerror}"
            ) from error
    return _usable(cached, "Debian's package", environment)


def find_promtool(prometheus: Path, environment: Mapping[str, str]) -> Path:
    """Return the `promtool` that came with `prometheus`; raises EnvironmentLacks."""
    return _usable(prometheus.with_name("promtool"), "beside prometheus", environment)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the cache folder: $PEAKPROOF_CACHE, else `peakproof` below the user's cache folder."""
    if given := environment.get(CACHE_VARIABLE):
        return Path(given).absolute()
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/tmp")) / ".cache")  # noqa: S108
    return Path(base).absolute() / "peakproof"


def _usable(program: Path, where: str, environment: Mapping[str, str]) -> Path:
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise EnvironmentLacks(f"Prometheus can't be run: {program} ({where}) is not a program; {_help(environment)}")
    return program


def _help(environment: Mapping[str, str]) -> str:
    if _on_path("apt-get", environment):
        return "install it with: apt-get install prometheus"
    if _on_path("brew", environment):
        return "install it with: brew install prometheus"
    return f"install it from prometheus.io and set {VARIABLE} to the program's path"


def _on_path(program: str, environment: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environment.get("PATH"))


def _fetch(cache: Path, environment: Mapping[str, str]) -> None:
    apt, dpkg = _on_path("apt-get", environment), _on_path("dpkg", environment)
    if apt is None or dpkg is None:
        raise EnvironmentLacks(f"Prometheus is not on this machine; {_help(environment)}")
    work = cache / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "download"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    options = ["-q", "-o", f"Dir::State={work}/state", "-o", f"Dir::State::lists={work}/state/lists"]
    options += ["-o", f"Dir::Cache={work}/cache", "-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1"]
    # apt-get download needs no dpkg status, but refuses to run without the file
    (work / "state" / "status").touch()
    _call([apt, *options, "update"], work, environment)
    _call([apt, *options, "download", "prometheus"], work / "download", environment)
    packages = sorted((work / "download").glob("prometheus_*.deb"))
    if not packages:
        raise EnvironmentLacks(f"Debian's packages gave no prometheus; {_help(environment)}")
    unpacked = cache / "prometheus.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    _call([dpkg, "-x", str(packages[-1]), str(unpacked)], work, environment)
    shutil.rmtree(cache / "prometheus", ignore_errors=True)
    unpacked.rename(cache / "prometheus")
    shutil.rmtree(work, ignore_errors=True)


def _call(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_APT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLacks(
            f"Prometheus can't be fetched: {command[0]} took too long; {_help(environment)}"
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise EnvironmentLacks(f"Prometheus can't be fetched: {said}; {_help(environment)}")
