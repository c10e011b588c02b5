"""On a bare machine nothing is skipped for want of a tool: whatever the tests look for, .ci/run installs."""

import re
import subprocess
from pathlib import Path

from tests.stack.podman import PROGRAMS

ROOT = Path(__file__).parents[2]
LOOKED_FOR = re.compile(r'which\(\s*"([a-z-]+)"')
# Debian's package of each program that a test looks for, and other names of one.
PACKAGES = {
    "aardvark-dns": "aardvark-dns",
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "debootstrap": "debootstrap",
    "git": "git",
    "initdb": "postgresql",
    "ip": "iproute2",
    "iptables": "iptables",
    "mariadb-install-db": "mariadb-server",
    "mariadbd": "mariadb-server",
    "netavark": "netavark",
    "nginx": "nginx",
    "ssh-keygen": "openssh-client",
    "npm": "npm",
    "openssl": "openssl",
    "pgbackrest": "pgbackrest",
    "podman": "podman",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
    "restic": "restic",
    "runc": "runc",
    "tinyproxy": "tinyproxy-bin",
    "wrk": "wrk",
}
ALIASES = {"chromium-browser", "google-chrome"}


def test_ci_installs_every_program_that_a_test_looks_for() -> None:
    named = {name for path in (ROOT / "tests").rglob("*.py") for name in LOOKED_FOR.findall(path.read_text())}
    assert {"nginx", "chromium"} <= named
    lists = re.findall(r"apt-get install(.*?)>/dev/null", (ROOT / ".ci" / "run").read_text(), re.DOTALL)
    installed = {word for words in lists for word in words.split()}
    missing = {
        name for name in (named | set(PROGRAMS)) - ALIASES if PACKAGES.get(name, "no package is named") not in installed
    }
    assert missing == set()


def test_what_runs_everything_takes_no_arguments() -> None:
    """It would be taken for a part of it, and run for an hour."""
    ended = subprocess.run([ROOT / ".ci" / "run", "--fast"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ".ci/run: takes no arguments, got: --fast; it runs everything\n"
