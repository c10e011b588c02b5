"""One run at a time on an environment: a file in a shared folder that says who holds it, kept alive by its holder.

Whoever reads or writes a lease holds the lock of the folder, and the file is created with O_EXCL, so that of two
runs that start together exactly one wins. What is stale is taken over: its process is gone from this machine, or it
wasn't kept alive.
"""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from loadtests.environment.addresses import Address, innermost, kind_of, readable
from loadtests.guardrails.watch_thread import WatchThread
from loadtests.results.run_directory import write_bytes
from slo.documents import BadInput, Document, read_json
from slo.outcomes import EnvironmentLacks

KEPT_S = 30.0
RENEW_S = 5.0
_LOCK = ".lock"


class Entry(Document):
    """What a lease's file says of its holder; times in ns since the epoch."""

    format: Literal["peakproof/lease/v1"] = "peakproof/lease/v1"
    environment: str
    base_url: str
    host: str
    processes: str
    pid: int
    token: str
    taken_at: int
    until: int
    run: str | None = None

    def told(self) -> str:
        """Return who holds it, for a person."""
        run = f"run {self.run}" if self.run else "a run that is being prepared"
        return f"{run} (process {self.pid} on {self.host}, since {_at(self.taken_at)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The file of one environment's lease; `kept_s` is how long it holds without being kept alive."""

    folder: Path
    environment: str
    base_url: str
    kept_s: float = KEPT_S
    now: Callable[[], int] = time.time_ns

    @property
    def path(self) -> Path:
        """The file: by where the load goes, so that another name for the same shop is the same lease."""
        return self.folder / f"{_name(self.base_url)}.json"


class Lease:
    """A lease that is held."""

    def __init__(self, place: Place, entry: Entry, took_over: str | None) -> None:
        self._place, self._entry = place, entry
        self.took_over = took_over
        self.lost: str | None = None

    @property
    def path(self) -> Path:
        """The lease's file."""
        return self._place.path

    def name_run(self, run: str) -> None:
        """Write the run's name into it."""
        self._entry = self._entry.model_copy(update={"run": run})
        self.renew()

    def renew(self) -> None:
        """Hold it for another while; `lost` says so when somebody else has it, or it can't be kept alive."""
        place = self._place
        try:
            with _locked(place.folder):
                if not self._is_ours():
                    self.lost = self.lost or f"the lease {place.path} is not ours any more"
                    return
                self._entry = self._entry.model_copy(update={"until": place.now() + round(place.kept_s * 1e9)})
                write_bytes(place.path, _bytes(self._entry))
        except OSError as error:
            if place.now() >= self._entry.until:
                self.lost = self.lost or f"the lease {place.path} can't be kept alive: {error.strerror}"

    def release(self) -> None:
        """Give it back; what is somebody else's by now is left alone."""
        try:
            with _locked(self._place.folder):
                if self._is_ours():
                    self._place.path.unlink()
        except OSError:
            return  # it expires by itself

    def _is_ours(self) -> bool:
        entry = _read(self._place.path)
        return isinstance(entry, Entry) and entry.token == self._entry.token


def take(place: Place) -> Lease:
    """Take the lease; raises EnvironmentLacks naming its holder, or when the folder can't be written."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        with _locked(place.folder):
            return _take(place)
    except OSError as error:
        raise EnvironmentLacks(
            f"{place.folder}: leases can't be kept there: {error.strerror}; --lease-folder names another"
        ) from error


@contextmanager
def held(place: Place, renew_s: float = RENEW_S) -> Iterator[Lease]:
    """Hold the lease for as long as the block lasts, however it ends."""
    lease = take(place)
    try:
        with WatchThread("lease", renew_s, lease.renew):
            yield lease
    finally:
        lease.release()


def _take(place: Place) -> Lease:
    found = _read(place.path)
    stale = None
    if isinstance(found, Entry):
        stale = _staleness(found, place.now())
        if stale is None:
            message = f"{place.environment} is taken by {found.told()}; wait for its end, or end it ({place.path})"
            raise EnvironmentLacks(message)
    elif found is not None:
        age_s = (place.now() - found) / 1e9
        if age_s < place.kept_s:
            told = f"{place.path} can't be read and is {age_s:.0f} s old"
            raise EnvironmentLacks(f"{place.environment} may be taken: {told}")
        stale = "nobody can read it and nobody keeps it alive"
    entry = _entry(place)
    if stale is None:
        _create(place.path, _bytes(entry))
    else:
        write_bytes(place.path, _bytes(entry))
    holder = found.told() if isinstance(found, Entry) else "somebody"
    return Lease(place, entry, stale and f"taken over from {holder}: {stale}")


def _entry(place: Place) -> Entry:
    now = place.now()
    return Entry(
        environment=place.environment,
        base_url=place.base_url,
        host=socket.gethostname(),
        processes=_processes(),
        pid=os.getpid(),
        token=secrets.token_hex(16),
        taken_at=now,
        until=now + round(place.kept_s * 1e9),
    )


def _create(path: Path, data: bytes) -> None:
    """Write a file that mustn't be there: O_EXCL decides where the lock doesn't reach."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        raise EnvironmentLacks(f"{path}: somebody else took it in this moment") from None
    with os.fdopen(file, "wb") as writer:
        writer.write(data)


def _staleness(entry: Entry, now: int) -> str | None:
    """Return why a lease holds no more, None while it holds."""
    if now >= entry.until:
        return f"it wasn't kept alive after {_at(entry.until)}"
    here = entry.host == socket.gethostname() and entry.processes == _processes()
    if here and not _is_alive(entry.pid):
        return f"its process {entry.pid} is gone"
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _processes() -> str:
    """Name the set of processes that ours can see: two containers of one host name have each their own."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115
    except OSError:
        return "all of the machine's"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    file = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _read(path: Path) -> Entry | int | None:
    """Return what stands in a lease, its age's start (ns) when that can't be read, None when there is none."""
    try:
        return read_json(path, Entry)
    except BadInput:
        try:
            return path.stat().st_mtime_ns
        except FileNotFoundError:
            return None


def _name(base_url: str) -> str:
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and kind_of(address) == "loopback"):
        host = f"loopback-of-{socket.gethostname()}"
    elif address is not None:
        host = str(address)  # ::ffff:10.0.0.1 is 10.0.0.1, and 2001:db8:0::1 is 2001:db8::1
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    safe = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in host)
    return f"{safe}-{port}"


def _address(host: str) -> Address | None:
    try:
        return innermost(readable(host))
    except ValueError:
        return None


def _bytes(entry: Entry) -> bytes:
    return entry.model_dump_json().encode() + b"\n"


def _at(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}"
