"""One run at a time on an environment: files in a shared folder that name the run which holds it, and until when.

There is a file for each host that takes load, and a run holds all of them or none: two environments that have one host
in common are loaded one after the other.

The holder renews it; one that has run out may be taken over, whatever became of its process. It is read and written
under the lock of the folder, so that of two runs that start together exactly one gets it.
"""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
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
_LOOK_S = 0.5
_LOCK = ".lock"


class Entry(Document):
    """What a lease's file says of its holder; times in ns since the epoch."""

    format: Literal["peakproof/lease/v1"] = "peakproof/lease/v1"
    environment: str
    base_url: str
    host: str
    pid: int
    token: str
    taken_at: int
    until: int
    run: str | None = None

    def describe(self) -> str:
        """Return which run holds it, for a person."""
        run = f"run {self.run}" if self.run else "a run that is being prepared"
        return f"{run} (process {self.pid} on {self.host}, since {_at(self.taken_at)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files of one environment's lease; `kept_s` is how long it holds without being renewed.

    `hosts` are the addresses that take load beside `base_url`.
    """

    folder: Path
    environment: str
    base_url: str
    hosts: tuple[str, ...] = ()
    kept_s: float = KEPT_S
    now: Callable[[], int] = time.time_ns

    @property
    def path(self) -> Path:
        """The file of `base_url`: by where the load goes, so that another name for the same shop is the same lease."""
        return self.file(self.base_url)

    @property
    def files(self) -> Mapping[Path, str]:
        """The address that takes load, for each file."""
        return {self.file(url): url for url in (*self.hosts, self.base_url)}

    def file(self, url: str) -> Path:
        """Return the file of one address that takes load."""
        return self.folder / f"{_name(url)}.json"


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
        """Hold it for another `kept_s`.

        `lost` says so when another run has it, its folder is gone, or it ran out and can't be written.
        """
        place = self._place
        try:
            with _locked(place.folder):
                if others := [path for path in place.files if not self._is_ours(path)]:
                    self.lost = self.lost or f"the lease {others[0]} is not ours any more"
                    return
                self._entry = self._entry.model_copy(update={"until": place.now() + round(place.kept_s * 1e9)})
                _write(place, self._entry)
        except FileNotFoundError:
            self.lost = self.lost or f"the lease {place.path} is gone: its folder was removed"
        except OSError as error:
            if place.now() >= self._entry.until:
                self.lost = self.lost or f"the lease {place.path} has run out and can't be renewed: {error.strerror}"

    def release(self) -> None:
        """Give it back, unless it is another run's by now."""
        try:
            with _locked(self._place.folder):
                for path in filter(self._is_ours, self._place.files):
                    path.unlink()
        except OSError:
            return  # it expires by itself

    def _is_ours(self, path: Path) -> bool:
        entry = _read(path)
        return isinstance(entry, Entry) and entry.token == self._entry.token


class LeaseTakenError(EnvironmentLacks):
    """Another run holds the lease, and no later than `until` (ns) unless it renews it; `state` changes when it does."""

    def __init__(self, taken: str, path: Path, *, state: object, until: int) -> None:
        super().__init__(f"{taken}; wait for its end, or end it ({path})")
        self.taken, self.state, self.until = taken, state, until


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unreadable:
    """A lease's file that holds no lease, and when it was last written (ns)."""

    written_at: int


def take(place: Place) -> Lease:
    """Take the lease; raises LeaseTakenError naming its holder, EnvironmentLacks when the folder can't be written."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        with _locked(place.folder):
            return _take(place)
    except OSError as error:
        raise EnvironmentLacks(
            f"{place.folder}: leases can't be kept there: {error.strerror}; --lease-folder names another"
        ) from error


def holder(place: Place) -> str | None:
    """Return which run holds one of the files now, for a person; None when none does. Nothing is taken or written."""
    for path in place.files:
        found = _read(path)
        if isinstance(found, Entry) and place.now() < found.until:
            return found.describe()
        if isinstance(found, _Unreadable) and place.now() < found.written_at + round(place.kept_s * 1e9):
            return f"an unknown run: {path} is unreadable"
    return None


def await_lease(place: Place, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> Lease:
    """Take the lease, waiting for one to run out whose run may have crashed; raises like `take`.

    A run that is alive renews its lease, and that it did is seen within `RENEW_S`: then there is nothing to wait for.
    """
    try:
        return take(place)
    except LeaseTakenError as taken:
        first, latest = taken, place.now() + round(place.kept_s * 1e9)
    if first.until <= latest:
        say(f"{first.taken}; waiting until {_at(first.until)}, when its lease runs out unless it is renewed")
        while place.now() < first.until:
            sleep(_LOOK_S)
            try:
                return take(place)
            except LeaseTakenError as taken:
                if taken.state != first.state:
                    break
    return take(place)


@contextmanager
def held(place: Place, say: Callable[[str], None], renew_s: float = RENEW_S) -> Iterator[Lease]:
    """Hold the lease for as long as the block lasts, however it ends; it may have to be waited for."""
    lease = await_lease(place, say)
    try:
        with WatchThread("lease", renew_s, lease.renew):
            yield lease
    finally:
        lease.release()


def _take(place: Place) -> Lease:
    now = place.now()
    took_over = [reason for path in place.files if (reason := _took_over(place, path, now)) is not None]
    entry = _entry(place, now)
    _write(place, entry)
    return Lease(place, entry, "; ".join(dict.fromkeys(took_over)) or None)


def _took_over(place: Place, path: Path, now: int) -> str | None:
    """Return from whom one file may be taken over, None when nobody had it; raises LeaseTakenError when it may not."""
    found = _read(path)
    if isinstance(found, Entry):
        if now < found.until:
            shared = "" if path == place.path else f"'s host {place.files[path]}"
            taken = f"{place.environment}{shared} is taken by {found.describe()}"
            raise LeaseTakenError(taken, path, state=found, until=found.until)
        return f"taken over from {found.describe()}: it ran out at {_at(found.until)}"
    if found is None:
        return None
    age_s = (now - found.written_at) / 1e9
    if age_s < place.kept_s:
        taken = f"{place.environment} may be taken: its lease file is unreadable and was renewed {age_s:.0f} s ago"
        until = found.written_at + round(place.kept_s * 1e9)
        raise LeaseTakenError(taken, path, state=found, until=until)
    return (
        "taken over from an unknown run: the lease file is unreadable and was last renewed more than"
        f" {place.kept_s:g} s ago"
    )


def _write(place: Place, entry: Entry) -> None:
    for path, url in place.files.items():
        write_bytes(path, _bytes(entry.model_copy(update={"base_url": url})))


def _entry(place: Place, now: int) -> Entry:
    return Entry(
        environment=place.environment,
        base_url=place.base_url,
        host=socket.gethostname(),
        pid=os.getpid(),
        token=secrets.token_hex(16),
        taken_at=now,
        until=now + round(place.kept_s * 1e9),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    file = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _read(path: Path) -> Entry | _Unreadable | None:
    """Return what stands in a lease's file, None when there is none."""
    try:
        return read_json(path, Entry)
    except BadInput:
        try:
            return _Unreadable(written_at=path.stat().st_mtime_ns)
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
