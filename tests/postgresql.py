"""A PostgreSQL of the test's own, gone after it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgresql(port: int | None = None) -> Iterator[str]:
    """Serve one on a socket and give its URL; with `port` on 127.0.0.1 too, and the URL is of that."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL on this machine")
    # PostgreSQL refuses to run as root.
    user = next((u for u in ("postgres", "nobody") if _has_user(u)), None) if os.geteuid() == 0 else None
    if os.geteuid() == 0 and user is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no other user")
    with tempfile.TemporaryDirectory(prefix="pp-pg-", dir="/tmp") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        subprocess.run(
            [f"{binaries}/initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync"],
            check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        listening = "-c listen_addresses=''" if port is None else f"-c listen_addresses=127.0.0.1 -c port={port}"
        options = f"{listening} -c unix_socket_directories={folder} -c fsync=off"
        control = [f"{binaries}/pg_ctl", "-D", data, "-w"]
        subprocess.run(
            [*control, "-o", options, "-l", f"{folder}/log", "start"],
            check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            place = f"/postgres?host={folder}" if port is None else f"127.0.0.1:{port}/postgres"
            yield f"postgresql://shop@{place}"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL
            )


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    installed = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return installed[-1] if installed else None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
