"""PostgreSQL clusters of a test's own: a primary, and standbys that follow it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import _binaries


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One server in `folder`, on a socket there."""

    folder: Path
    binaries: Path
    user: str | None

    @property
    def url(self) -> str:
        return f"postgresql://shop@/postgres?host={self.folder}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.binaries / program), *arguments], check=True, user=self.user, cwd=self.folder, timeout=60,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self, *settings: str) -> None:
        options = " ".join(
            f"-c {one}" for one in ("listen_addresses=''", f"unix_socket_directories={self.folder}", *settings)
        )
        self.run("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server's processes: those whose parent it is, and itself."""
        server = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def ask(self, query: str) -> object:
        with psycopg.connect(self.url, autocommit=True) as db:
            row = db.execute(query.encode()).fetchone()
            return None if row is None else row[0]

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as db:
            for one in statements:
                db.execute(one.encode())


@contextmanager
def folder_of_a_cluster() -> Iterator[Cluster]:
    """Make the folder of a cluster, without data in it; the server is stopped at the end, if it runs."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL on this machine")
    with tempfile.TemporaryDirectory(prefix="pp-pg-", dir="/tmp") as name:
        user = None
        if os.geteuid() == 0:
            user = next(one for one in ("postgres", "nobody") if _is_user(one))
            shutil.chown(name, user)
        cluster = Cluster(folder=Path(name), binaries=binaries, user=user)
        try:
            yield cluster
        finally:
            if (cluster.data / "postmaster.pid").exists():
                cluster.signal_all(signal.SIGCONT)
                cluster.stop()


@contextmanager
def primary(*settings: str) -> Iterator[Cluster]:
    """Serve a new cluster."""
    with folder_of_a_cluster() as cluster:
        cluster.run("initdb", "-D", str(cluster.data), "-U", "shop", "-A", "trust", "--no-sync")
        cluster.start("fsync=off", *settings)
        yield cluster


@contextmanager
def standby_of(followed: Cluster, name: str) -> Iterator[Cluster]:
    """Serve a standby that streams from `followed` as the application `name`."""
    with folder_of_a_cluster() as cluster:
        source = f"host={followed.folder} user=shop application_name={name}"
        cluster.run(
            "pg_basebackup", "-d", source, "-D", str(cluster.data), "-R", "-X", "stream", "--no-sync", "-c", "fast"
        )
        cluster.start("fsync=off", "hot_standby=on")
        yield cluster


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
