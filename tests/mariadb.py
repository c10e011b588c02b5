"""A MariaDB of the test's own, gone after it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

_READY_S = 30


@dataclass(slots=True, kw_only=True)
class MariaDb:
    """A server on a socket: its URL as SQLAlchemy writes it, its process, and the socket's path."""

    command: list[str]
    folder: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"{self.folder}/socket"

    @property
    def url(self) -> str:
        """Its address, as SQLAlchemy writes it."""
        return f"mysql://shop@/shop?unix_socket={self.socket}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def execute(self, *statements: str) -> None:
        """Run statements as the shop's user."""
        with pymysql.connect(unix_socket=self.socket, user="shop", database="shop", autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def start(self) -> None:
        """Start it and wait until it listens."""
        Path(self.socket).unlink(missing_ok=True)
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        end = time.monotonic() + _READY_S
        while not Path(self.socket).exists():
            assert self.process.poll() is None, "mariadbd ended"
            assert time.monotonic() < end, f"mariadbd isn't ready after {_READY_S} s"
            time.sleep(0.05)

    def start_again(self) -> None:
        """Start it again after it was killed."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def mariadb() -> Iterator[MariaDb]:
    """Serve one on a socket, with a database `shop` and a user `shop` without a password."""
    server, install = shutil.which("mariadbd", path=_path()), shutil.which("mariadb-install-db", path=_path())
    if server is None or install is None:
        pytest.skip("no MariaDB on this machine")
    with tempfile.TemporaryDirectory(prefix="pp-my-", dir="/tmp") as folder:
        user = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(folder, user)
        own = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        subprocess.run(
            [install, *own, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        command = [server, *own, f"--socket={folder}/socket", "--skip-networking"]
        one = MariaDb(command=command, folder=folder)
        try:
            one.start()
            _prepare(one.socket)
            yield one
        finally:
            one.stop()


def _prepare(socket: str) -> None:
    with pymysql.connect(unix_socket=socket, user="root", autocommit=True) as connection:
        connection.cursor().execute("create database shop")
        connection.cursor().execute("create user shop@localhost")
        connection.cursor().execute("grant all on shop.* to shop@localhost")


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(Path("/usr/local/sbin"))])
