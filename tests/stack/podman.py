"""Podman on a bare machine: storage and networks of its own below build/, images from Debian's packages, no Docker.

No image can be pulled where these tests run. debootstrap's smallest Debian stands in for the base image, and Debian's
packages for PostgreSQL, Prometheus and Alertmanager, each under the tag that docker-compose.yml names.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
IMAGES = Path(__file__).parent / "images"
STORAGE = ROOT / "build" / "containers"
BASE = "docker.io/library/debian:bookworm-slim"
OURS = "peakproof:0.1.0"
PROFILES = ("shop", "load", "observe", "play")
STAND_INS = ("postgres", "prometheus", "alertmanager")
PROGRAMS = ("podman", "runc", "netavark", "aardvark-dns", "iptables", "ip", "debootstrap")
# Debian puts what podman calls by itself outside PATH.
ALSO = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/sbin", "/sbin")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Linked statically, and on every Debian: the smallest program that a container can run.
LDCONFIG = Path("/sbin/ldconfig")
TRIAL = "localhost/trial"


def missing() -> str | None:
    """Return what isn't installed that containers need here, None when all is."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *ALSO])
    absent = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if absent:
        return f"not installed: {', '.join(absent)}; .ci/run installs podman and what it needs"
    return None if os.geteuid() == 0 else "debootstrap and podman with runc need root here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Podman:
    """Podman and podman-compose with storage, networks, configuration and a project of their own."""

    folder: Path
    project: str
    variables: Mapping[str, str]

    def configure(self) -> None:
        """Write the configuration; what an earlier test built is kept and used again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:20000", "nproc=1024:1024"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\n'
            f'[network]\nnetwork_config_dir = "{self.folder / "networks"}"\n'
        )
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self.folder / "graph"}"\nrunroot = "{self.folder / "run"}"\n'
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Configure the storage and hold it for the block: whoever else wants it waits."""
        self.configure()
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every call: ours, and where podman finds its configuration."""
        ours = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), *ALSO])
        conf = {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }
        return {**ours, "PATH": path, **conf, **self.variables}

    def call(
        self, command: Sequence[str], *, timeout_s: float = 60, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; a failure shows what it said, and an interruption ends all that it started."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, process_group=0
        ) as child:
            try:
                out, err = child.communicate(timeout=timeout_s)
            except BaseException:
                os.killpg(child.pid, signal.SIGKILL)  # podman-compose's own children would go on making containers
                raise
        if check and child.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {child.returncode}:\n{(out + err)[-3000:]}")
        return subprocess.CompletedProcess(command, child.returncode, out, err)

    def podman(self, *arguments: str, timeout_s: float = 60, check: bool = True) -> str:
        """Run podman; return its output."""
        return self.call(["podman", *arguments], timeout_s=timeout_s, check=check).stdout

    def compose(self, *arguments: str, timeout_s: float = 90, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman-compose on docker-compose.yml itself."""
        profiles = [word for name in PROFILES for word in ("--profile", name)]
        whole = ["podman-compose", "--in-pod", "false", "-p", self.project, "-f", str(COMPOSE), *profiles, *arguments]
        return self.call(whole, timeout_s=timeout_s, check=check)

    def refused(self) -> str | None:
        """Run the smallest container there can be, with an image, limits and a network; return why it didn't run."""
        archive = self.folder / "trial.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(LDCONFIG.resolve(), "ldconfig")
        limits = ("--cpus", "0.5", "--memory", "64m", "--read-only", "--cap-drop", "ALL")
        for command in (
            ["podman", "import", str(archive), TRIAL],
            ["podman", "run", "--rm", *limits, TRIAL, "/ldconfig", "--version"],
        ):
            done = self.call(command, check=False)
            if done.returncode != 0:
                return (done.stderr.strip().splitlines() or [f"podman ended with {done.returncode}"])[-1]
        return None

    # -- images -------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make the base, the stand-ins, and the project's image from its Dockerfile."""
        if self.call(["podman", "image", "exists", BASE], check=False).returncode != 0:
            self._import_base()
        services = yaml.safe_load(COMPOSE.read_text())["services"]
        with ThreadPoolExecutor() as pool:
            ours = pool.submit(self._build, OURS, ROOT / "Dockerfile", ROOT)
            for name in STAND_INS:
                self._build(services[name]["image"], IMAGES / f"{name}.Dockerfile", IMAGES)
            ours.result()

    def _import_base(self) -> None:
        root = self.folder / "debian"
        # An interrupted debootstrap leaves this machine's own /proc mounted in there, to be removed file by file.
        self.call(["umount", str(root / "proc")], check=False)
        assert not (root / "proc").is_mount(), f"{root / 'proc'} is mounted; umount it, and remove {root}"
        shutil.rmtree(root, ignore_errors=True)
        self.call(["debootstrap", "--variant=minbase", "bookworm", str(root)], timeout_s=600)
        archive = self.folder / "debian.tar"
        self.call(["tar", "-C", str(root), "--one-file-system", "-cf", str(archive), "."], timeout_s=300)
        shutil.rmtree(root)
        self.podman("import", "--change", 'CMD=["bash"]', str(archive), BASE, timeout_s=300)
        archive.unlink()

    def _build(self, tag: str, dockerfile: Path, context: Path) -> None:
        # The certificates are this machine's: its network may have an authority of its own. No layer keeps them.
        secret = ["--secret", f"id=ca,src={CERTIFICATES}"] if CERTIFICATES.exists() else []
        self.podman(
            *("build", "--network", "host", *secret, "-t", tag, "-f", str(dockerfile), str(context)), timeout_s=900
        )

    # -- containers ---------------------------------------------------------------------------------------

    def name(self, service: str, number: int = 1) -> str:
        """Return the name of a service's container."""
        return f"{self.project}_{service}_{number}"

    @property
    def network(self) -> str:
        """The network that every service of the compose file is in."""
        return f"{self.project}_peakproof"

    def up(self, *services: str, more: Sequence[str] = ()) -> None:
        """Start services of the compose file without what they depend on: the order is the test's."""
        self.compose("up", "-d", "--no-deps", "--no-build", *more, *services)

    def keep_gateway(self) -> None:
        """Give the network's bridge for good the hardware address that it has now.

        netavark 1.4 leaves it to the kernel, which changes it whenever a container with a lower one joins. Whoever
        knows the old one then reaches no name server for half a minute, and the shop's checkouts hang.
        """
        (network,) = json.loads(self.podman("network", "inspect", self.network))
        bridge = network["network_interface"]
        address = Path(f"/sys/class/net/{bridge}/address").read_text().strip()
        self.call(["ip", "link", "set", "dev", bridge, "address", address])

    def wait_healthy(self, *services: str, deadline_s: float = 60) -> None:
        """Ask each service's own health check until it is good; podman 4.3 without systemd has no timers for it."""
        for service in services:
            until = time.monotonic() + deadline_s
            check = ["podman", "healthcheck", "run", self.name(service)]
            while self.call(check, check=False).returncode != 0:
                if time.monotonic() > until:
                    logs = self.call(["podman", "logs", "--tail", "20", self.name(service)], check=False)
                    raise AssertionError(f"{service} isn't healthy:\n{logs.stdout}{logs.stderr}")
                time.sleep(0.5)

    def process(self, name: str) -> Path:
        """Return the folder that is there for as long as a container's process lives."""
        return Path("/proc") / self.podman("inspect", "--format", "{{.State.Pid}}", name).strip() / "root"

    def logs(self, name: str) -> str:
        """Return what a container wrote."""
        done = self.call(["podman", "logs", name], check=False)
        return done.stdout + done.stderr

    def ask(self, service: str, url: str) -> Any:
        """Return the JSON of a page that only the stack's network reaches, asked from inside `service`."""
        return json.loads(self.podman("exec", self.name(service), "wget", "-q", "-O", "-", url))

    def volume(self, name: str) -> Path:
        """Return where a named volume lies."""
        told = json.loads(self.podman("volume", "inspect", f"{self.project}_{name}"))
        return Path(told[0]["Mountpoint"])

    def clear(self) -> None:
        """End and remove every container, volume and network in this storage, whatever project left it there."""
        for _ in range(5):  # one that was interrupted while it was made goes at the second try
            for command in (
                ("rm", "--all", "--force", "--time", "1"),
                ("volume", "prune", "--force"),
                ("network", "prune", "--force"),
            ):
                with suppress(subprocess.TimeoutExpired):
                    self.podman(*command, timeout_s=120, check=False)
            if not self.podman("ps", "--all", "--quiet", check=False) + self.podman("volume", "ls", "-q", check=False):
                return
        raise AssertionError(f"containers or volumes are left in {self.folder}")
