"""A remote master known by host and port: wait until it listens, and fetch its run bundle."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from loadtests.environment.credentials import Secret
from loadtests.results.run_directory import RunDirectory
from scripts.local_stack.processes import Children
from scripts.running.locust_processes import start_fetcher
from slo.documents import BadInput, Document, read_json
from slo.outcomes import ExitCode

_LOOK_S = 0.5
_CONNECT_S = 2.0
_MOST_PORTS = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteMaster:
    """Where runs listen, one after the other."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    def is_there(self) -> bool:
        """Whether a run listens there now."""
        try:
            socket.create_connection(self.address, timeout=_CONNECT_S).close()
        except OSError:
            return False
        return True

    def wait_for(self) -> None:
        """Wait until a run listens there."""
        while not self.is_there():
            time.sleep(_LOOK_S)

    def wait_for_its_end(self) -> None:
        """Wait until no run listens there: a run is joined once."""
        while self.is_there():
            time.sleep(_LOOK_S)


def read_master(text: str) -> RemoteMaster:
    """Read `host:port`; raises BadInput."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _MOST_PORTS:
        raise BadInput(f"--master: expected host:port such as load-1:18091, found {text!r}")
    return RemoteMaster(host=host, port=int(port))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A run bundle, unpacked into a directory of this worker's own; the run has so many `workers`."""

    directory: RunDirectory
    workers: int


class _Note(Document):
    run: str
    workers: int = Field(ge=1)


def fetch_bundle(master: RemoteMaster, folder: Path, environment: Mapping[str, str], token: Secret) -> Fetched | None:
    """Fetch the bundle of the run at `master` into `folder`; None when the run has its workers, or is over.

    Raises BadInput when the master refuses this worker, or doesn't know the token itself.
    """
    with Children(folder / "logs") as children:
        fetcher = start_fetcher(children, folder, master.address, environment, token)
        code = fetcher.process.wait()
    if code == ExitCode.USAGE:
        raise BadInput(f"{master}: {fetcher.last_log_line()}")
    if code != ExitCode.OK:
        return None
    path = folder / f"fetched-{fetcher.process.pid}.json"
    note = read_json(path, _Note)
    path.unlink()
    return Fetched(directory=RunDirectory(path=folder / note.run), workers=note.workers)
