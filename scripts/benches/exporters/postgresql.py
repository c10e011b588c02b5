"""A PostgreSQL of the benchmark's own that counts its statements, gone after it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def counting_postgresql() -> Iterator[str]:
    """Serve one on a socket, with pg_stat_statements loaded, and give its URL; raises FileNotFoundError without it."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise FileNotFoundError("no PostgreSQL on this machine: apt-get install postgresql")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pp-bench-pg-", dir="/tmp") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        _run([f"{binaries[-1]}/initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync"], user, folder)
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
            " -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_planning=on"
        )
        control = [f"{binaries[-1]}/pg_ctl", "-D", data, "-w"]
        _run([*control, "-o", options, "-l", f"{folder}/log", "start"], user, folder)
        try:
            yield f"postgresql://shop@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"], user, folder)


def _run(command: list[str], user: str | None, folder: str) -> None:
    subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
