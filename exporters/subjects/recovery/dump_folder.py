"""A folder of dumps: each is read to its end once, by a thread of its own, however long a scrape may take.

A dump is the state of the database when pg_dump began. The head of an archive says when that was, without a zone; the
file's own time is when it was last written, which is after that, or when it was copied here, which is later still. So
the earlier of the two is taken. A plain dump has the file's time alone.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.recovery.config import PgDumpFolder
from exporters.subjects.recovery.dump_check import Checked, GoesOn, check
from exporters.subjects.recovery.pieces import Stopped
from exporters.subjects.recovery.values import SKEW_S, Backup, BackupCatalogue, State

MAX_DUMPS = 1_000
SETTLED_S = 30
"""A dump that was written to a moment ago is left alone: read while it grows, it would be read again and again."""
WAIT_S = 2.0
"""How long a scrape waits for dumps that are being read: small ones are done by then, and large ones take many."""
_PAUSE_S, _MARGIN_S = 0.02, 0.5
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A dump as the folder lists it: one with the same size and time, and as many files, is the same."""

    path: Path
    size_bytes: int
    written_ns: int
    files: int

    @property
    def written_s(self) -> float:
        """When it was last written."""
        return self.written_ns / 1e9


class DumpFolder:
    """The dumps in one folder, as backups; `now_ns` is the time, in ns since the epoch, `check` reads one dump."""

    def __init__(
        self,
        config: PgDumpFolder,
        path: Path,
        now_ns: Callable[[], int],
        check: Callable[[Path, GoesOn], Checked] = check,
    ) -> None:
        self._config, self._path, self._now_ns, self._read_dump = config, path, now_ns, check
        self._zone = ZoneInfo(config.zone)
        self._lock = threading.Lock()
        self._checked: dict[Found, Checked] = {}
        self._wanted: list[Found] = []
        self._thread: threading.Thread | None = None

    def read(self, deadline: Deadline) -> BackupCatalogue:
        """Return the dumps; those that nobody could read to their end before the deadline are unchecked.

        Raises Unreadable when the folder can't be listed, and while no dump has been found good and some are unchecked.
        """
        found = self._listed()
        now_s = self._now_ns() / 1e9
        settled = [one for one in found if one.written_s <= now_s - SETTLED_S]
        self._check(settled)
        until_s = max(_MARGIN_S, deadline.left_s() - WAIT_S)
        while deadline.left_s() > until_s and not self._done(settled):
            time.sleep(_PAUSE_S)
        backups = tuple(self._backup(one, now_s) for one in found)
        states = [one.state for one in backups]
        if State.GOOD not in states and State.UNCHECKED in states:
            raise Unreadable(
                f"{self._path}: {states.count(State.UNCHECKED)} of {len(states)} dumps are still being read"
            )
        return BackupCatalogue(backups=backups)

    def stop(self) -> None:
        """Leave what isn't read to its end yet: nobody asks any more."""
        with self._lock:
            self._wanted = []

    def _listed(self) -> list[Found]:
        """Return the dumps, the newest first.

        A symbolic link is another name of one; a hidden file, a pipe and a device are none.
        """
        try:
            entries = [one for one in self._path.iterdir() if self._is_dump(one)]
            if len(entries) > MAX_DUMPS:
                raise Unreadable(f"{self._path}: {len(entries)} dumps, more than the {MAX_DUMPS} allowed")
            found = [_found(one) for one in entries]
        except OSError as error:
            raise Unreadable(f"{self._path}: can't be listed: {error.strerror}") from error
        return sorted((one for one in found if one is not None), key=lambda one: one.written_ns, reverse=True)

    def _is_dump(self, path: Path) -> bool:
        named = fnmatchcase(path.name, self._config.pattern) and path.name[0] != "."
        return named and not path.is_symlink() and (path.is_file() or path.is_dir())

    def _check(self, wanted: list[Found]) -> None:
        with self._lock:
            self._checked = {one: self._checked[one] for one in wanted if one in self._checked}
            self._wanted = [one for one in wanted if one not in self._checked]
            if self._wanted and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name=f"check-{self._path.name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                one = self._wanted[0]
            result = self._result(one)
            with self._lock:
                if one in self._wanted:
                    self._wanted.remove(one)
                    if result is not None:
                        self._checked[one] = result

    def _result(self, one: Found) -> Checked | None:
        def goes_on() -> bool:
            return one in self._wanted

        try:
            return self._read_dump(one.path, goes_on)
        except Stopped:
            return None
        except OSError as error:
            return Checked(why=f"can't be read: {error.strerror}")
        except Exception:  # noqa: BLE001 - a defect of ours mustn't end the thread: the dump isn't good
            _LOG.exception("%s: the check itself failed", one.path)
            return Checked(why="the check itself failed")

    def _done(self, wanted: list[Found]) -> bool:
        with self._lock:
            return all(one in self._checked for one in wanted)

    def _backup(self, one: Found, now_s: float) -> Backup:
        with self._lock:
            checked = self._checked.get(one)
        at_s = self._at_s(one, checked)
        state, why = self._state(one, checked, now_s)
        return Backup(name=one.path.name, at_s=at_s, state=state, size_bytes=one.size_bytes, why=why)

    def _at_s(self, one: Found, checked: Checked | None) -> float:
        made = checked.archive.made_at_s(self._zone) if checked and checked.archive else None
        return one.written_s if made is None else min(made, one.written_s)

    def _state(self, one: Found, checked: Checked | None, now_s: float) -> tuple[State, str | None]:
        quiet_s = now_s - one.written_s
        if quiet_s < -SKEW_S:
            return State.AHEAD, f"its time lies {round(-quiet_s)} s ahead"
        if checked is None:
            return (State.IN_PROGRESS if quiet_s < SETTLED_S else State.UNCHECKED), None
        if checked.why is None and checked.archive is not None and checked.archive.made_at_s(self._zone) is None:
            return State.BAD, "its head names no time"
        if checked.why is None:
            return State.GOOD, None
        return (State.IN_PROGRESS if quiet_s < self._config.in_progress_for else State.BAD), checked.why


def _found(path: Path) -> Found | None:
    """Return the dump at `path`, None when it has gone since it was listed."""
    try:
        stats = [one.stat() for one in (path, *(path.iterdir() if path.is_dir() else ()))]
    except FileNotFoundError:
        return None
    files = stats[1:] if path.is_dir() else stats
    return Found(
        path=path,
        size_bytes=sum(one.st_size for one in files),
        written_ns=max(one.st_mtime_ns for one in stats),
        files=len(stats),
    )
