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


@dataclass(frozen=True, slots=True, kw_only=True)
class MariaDb:
    """A server on a socket: its URL as SQLAlchemy writes it, its process, and the socket's path."""

    url: str
    pid: int
    socket: str

    def execute(self, *statements: str) -> None:
        """Run statements as the server's owner."""
        with pymysql.connect(unix_socket=self.socket, user="shop", database="shop", autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)


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
        socket = f"{folder}/socket"
        process = subprocess.Popen(
            [server, *own, f"--socket={socket}", "--skip-networking", "--innodb-flush-log-at-trx-commit=0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        try:
            _prepare(process, socket)
            yield MariaDb(url=f"mysql://shop@/shop?unix_socket={socket}", pid=process.pid, socket=socket)
        finally:
            process.kill()
            process.wait()


def _prepare(process: "subprocess.Popen[bytes]", socket: str) -> None:
    end = time.monotonic() + _READY_S
    while not Path(socket).exists():  # it is there once it listens
        assert process.poll() is None, "mariadbd ended"
        assert time.monotonic() < end, f"mariadbd isn't ready after {_READY_S} s"
        time.sleep(0.05)
    with pymysql.connect(unix_socket=socket, user="root", autocommit=True) as connection:
        for statement in (
            "create database shop",
            "create user shop@localhost",
            "grant all on shop.* to shop@localhost",
        ):
            connection.cursor().execute(statement)


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(Path("/usr/local/sbin"))])
