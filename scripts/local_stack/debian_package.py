"""Finds a program: a variable that names it, PATH, the cache, else Debian's package unpacked without root.

apt-get runs with private state, lists and cache, so nothing of the machine changes and no root is needed; the
package is unpacked, not installed. apt checks its signature against the machine's keys.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slo.outcomes import EnvironmentLacks

CACHE_VARIABLE = "PEAKPROOF_CACHE"
_APT_TIMEOUT_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianProgram:
    """A program of Prometheus' family: `names` are Debian's for it and then others', `megabytes` its package's size."""

    title: str
    variable: str
    package: str
    names: tuple[str, ...]
    brew: str
    megabytes: int

    def find(self, environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
        """Return the program's path; raises EnvironmentLacks with the command that installs it."""
        if given := environment.get(self.variable):
            return self.usable(Path(given).absolute(), f"${self.variable}", environment)
        for name in self.names:
            if found := _on_path(name, environment):
                return Path(found).absolute()
        cached = cache_folder(environment) / self.package / "usr" / "bin" / self.names[0]
        if not os.access(cached, os.X_OK):
            say(f"fetching {self.title} from Debian's packages ({self.megabytes} MB, once; nothing is installed)")
            try:
                self._fetch(cache_folder(environment), environment)
            except OSError as error:
                raise EnvironmentLacks(
                    f"{self.title} can't be kept in {cache_folder(environment)}: {error.strerror}"
                ) from error
        return self.usable(cached, "Debian's package", environment)

    def usable(self, program: Path, where: str, environment: Mapping[str, str]) -> Path:
        """Return `program`, which was found `where`; raises EnvironmentLacks when it can't be run."""
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise EnvironmentLacks(
                f"{self.title} can't be run: {program} ({where}) is not a program; {self._help(environment)}"
            )
        return program

    def _help(self, environment: Mapping[str, str]) -> str:
        if _on_path("apt-get", environment):
            return f"install it with: apt-get install {self.package}"
        if _on_path("brew", environment):
            return f"install it with: brew install {self.brew}"
        return f"install it from prometheus.io and set {self.variable} to the program's path"

    def _fetch(self, cache: Path, environment: Mapping[str, str]) -> None:
        apt, dpkg = _on_path("apt-get", environment), _on_path("dpkg", environment)
        if apt is None or dpkg is None:
            raise EnvironmentLacks(f"{self.title} is not on this machine; {self._help(environment)}")
        work = cache / "apt"
        for folder in ("state/lists/partial", "cache/archives/partial", "download"):
            (work / folder).mkdir(parents=True, exist_ok=True)
        options = ["-q", "-o", f"Dir::State={work}/state", "-o", f"Dir::State::lists={work}/state/lists"]
        options += ["-o", f"Dir::Cache={work}/cache", "-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1"]
        # apt-get download needs no dpkg status, but refuses to run without the file
        (work / "state" / "status").touch()
        self._call([apt, *options, "update"], work, environment)
        self._call([apt, *options, "download", self.package], work / "download", environment)
        packages = sorted((work / "download").glob(f"{self.package}_*.deb"))
        if not packages:
            raise EnvironmentLacks(f"Debian's packages gave no {self.package}; {self._help(environment)}")
        unpacked = cache / f"{self.package}.part"
        shutil.rmtree(unpacked, ignore_errors=True)
        self._call([dpkg, "-x", str(packages[-1]), str(unpacked)], work, environment)
        shutil.rmtree(cache / self.package, ignore_errors=True)
        unpacked.rename(cache / self.package)
        shutil.rmtree(work, ignore_errors=True)

    def _call(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
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
                f"{self.title} can't be fetched: {command[0]} took too long; {self._help(environment)}"
            ) from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise EnvironmentLacks(f"{self.title} can't be fetched: {said}; {self._help(environment)}")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the cache folder: $PEAKPROOF_CACHE, else `peakproof` below the user's cache folder."""
    if given := environment.get(CACHE_VARIABLE):
        return Path(given).absolute()
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/tmp")) / ".cache")  # noqa: S108
    return Path(base).absolute() / "peakproof"


def _on_path(program: str, environment: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environment.get("PATH"))
