"""The files of a store: a folder or a bucket through fsspec, each file written whole or not at all.

In a folder a file is written beside and renamed. A bucket shows an object only once all of it was uploaded.
https://filesystem-spec.readthedocs.io/en/latest/api.html
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

PROTOCOLS = ("file", "s3", "gs", "abfs", "memory")
_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_EXTRAS = {"s3": "pip install 'peakproof[s3]'", "gs": "pip install gcsfs", "abfs": "pip install adlfs"}
_MAX_SMALL = 16 << 20


class StoreFiles:
    """Reads and writes files below one address, by names with `/`; raises EnvironmentLacks naming what isn't there."""

    def __init__(self, address: str) -> None:
        """`address` is a folder's path, or a bucket's address such as s3://bucket/folder; raises BadInput."""
        protocol, rest = _parts(address)
        self.address = address
        self._is_local = protocol == "file"
        try:
            self._system: Any = fsspec.filesystem(protocol, **({} if self._is_local else {"use_listings_cache": False}))
        except ImportError as error:
            install = _EXTRAS.get(protocol, f"install what {error.name} is of")
            raise EnvironmentLacks(f"{address}: needs a package that isn't installed: {install}") from error
        self._root = os.path.abspath(rest) if self._is_local else rest.strip("/")  # noqa: PTH100 - keeps symlinks

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder, in order; none where there is no such folder."""
        with self._asked("read"):
            try:
                found = self._system.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        names = {str(one).rstrip("/").rsplit("/", 1)[-1] for one in found} - {folder.rsplit("/", 1)[-1]}
        return sorted(name for name in names if not name.startswith("."))

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        with self._asked("read"):
            return bool(self._system.isfile(self._path(name)))

    def size(self, name: str) -> int:
        """Return the size of a file in bytes, 0 where there is none."""
        with self._asked("read"):
            try:
                return int(self._system.info(self._path(name))["size"] or 0)
            except FileNotFoundError:
                return 0

    def read(self, name: str) -> bytes | None:
        """Return what a small file holds, None where there is none."""
        with self._asked("read"):
            try:
                return self._bounded(name, self._system.cat_file(self._path(name), end=_MAX_SMALL + 1))
            except FileNotFoundError:
                return None

    def read_all(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return what many small files hold, those that are there: a bucket is asked for many at once."""
        paths = {self._path(name).lstrip("/"): name for name in names}
        if not paths:
            return {}
        with self._asked("read"):
            if self._is_local:
                found = {path: Path("/", path).read_bytes() for path in paths if Path("/", path).is_file()}
            else:
                found = self._system.cat(list(paths), on_error="omit")
        by_name = {paths.get(str(path).lstrip("/")): data for path, data in found.items()}  # some begin with a slash
        return {name: self._bounded(name, data) for name, data in by_name.items() if name is not None}

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all."""
        path = self._path(name)
        with self._asked("written"):
            self._system.makedirs(self._above(path), exist_ok=True)
            beside = self._beside(path)
            self._system.pipe_file(beside, data)
            self._finish(beside, path)

    def upload(self, name: str, source: Path) -> None:
        """Write a file of any size from one on this machine, whole or not at all."""
        path = self._path(name)
        with self._asked("written"):
            self._system.makedirs(self._above(path), exist_ok=True)
            beside = self._beside(path)
            self._system.put_file(str(source), beside)
            self._finish(beside, path)

    def download(self, name: str, to: Path) -> None:
        """Copy a file of any size to this machine; raises BadInput where it isn't there."""
        with self._asked("read"):
            try:
                self._system.get_file(self._path(name), str(to))
            except FileNotFoundError as error:
                raise BadInput(f"{self.address}/{name}: isn't there") from error

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._asked("written"):
            try:
                self._system.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def _beside(self, path: str) -> str:
        if not self._is_local:
            return path
        folder, name = path.rsplit("/", 1)
        return f"{folder}/.{name}.{os.getpid()}.tmp"

    def _finish(self, beside: str, path: str) -> None:
        """Let a file appear under its name, once it is on the disk."""
        if beside == path:
            return
        with Path(beside).open("rb") as file:
            os.fsync(file.fileno())
        Path(beside).replace(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @staticmethod
    def _above(path: str) -> str:
        return path.rsplit("/", 1)[0]

    def _bounded(self, name: str, data: bytes) -> bytes:
        if len(data) > _MAX_SMALL:
            raise BadInput(f"{self.address}/{name}: larger than the {_MAX_SMALL} bytes allowed")
        return data

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Turn what a file system raises into words; each library has exceptions of its own."""
        try:
            yield
        except (BadInput, EnvironmentLacks, KeyboardInterrupt):
            raise
        except Exception as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            change = ""
            if what == "written":
                change = ": listing, showing and comparing need no more than reading; this needs a store to write to"
            raise EnvironmentLacks(f"{self.address}: can't be {what}: {said.splitlines()[0]}{change}") from error


def _parts(address: str) -> tuple[str, str]:
    found = _ADDRESS.match(address)
    if found is None:
        if not address or "::" in address:
            raise BadInput(f"--store {address}: expected a folder, or an address such as s3://bucket/folder")
        return "file", address
    protocol, rest = found[1].lower(), found[2]
    if protocol not in PROTOCOLS or "::" in rest:
        raise BadInput(f"--store {address}: expected a folder or one of {', '.join(f'{one}://' for one in PROTOCOLS)}")
    if "@" in rest:
        raise BadInput(
            f"--store: expected {protocol}://bucket/folder without a name or password: they come from the"
            " variables or the role that the store's own library reads"
        )
    if protocol != "file" and not rest.strip("/"):
        raise BadInput(f"--store {address}: names no bucket: expected {protocol}://bucket/folder")
    return protocol, rest
