"""Imports a locustfile and the modules beside it: apart from every other module, with the stand-in for Locust.

Their code has an `__import__` of its own: `locust` is the stand-in and `random` the session's, what lies beside the
file goes before what is installed, and nothing of theirs is found by anyone else.
"""

import builtins
import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from loadtests.environment.bundle import beside
from loadtests.environment.own_module import run_bounded
from loadtests.locustfiles import randomness, stand_in
from loadtests.locustfiles.events import Events

_numbers = itertools.count(1)
_import = builtins.__import__


class OwnModules(MetaPathFinder):
    """The modules below one folder, under a package that only they import from."""

    def __init__(self, folder: Path, events: Events) -> None:
        self.folder, self.package = folder, f"peakproof_locustfile_{next(_numbers)}"
        self._stand_in: Mapping[str, ModuleType] = {"random": randomness.stand_in(), **stand_in.modules(events)}
        self._builtins = {**vars(builtins), "__import__": self._import, "open": self._open}
        root = ModuleType(self.package)
        root.__path__ = [str(folder)]
        sys.modules[self.package] = root
        sys.meta_path.insert(0, self)

    def load(self, file: Path) -> ModuleType:
        """Run the locustfile and return its module; raises BadInput with the line that failed."""
        name = f"{self.package}.{file.stem}"
        with in_folder(self.folder), _without_patches():
            try:
                return run_bounded(file, lambda: importlib.import_module(name))
            except BaseException:
                self.forget()
                raise

    def forget(self) -> None:
        """Let the modules be found no more."""
        sys.meta_path[:] = [one for one in sys.meta_path if one is not self]
        for name in [name for name in sys.modules if name.partition(".")[0] == self.package]:
            del sys.modules[name]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module of theirs is."""
        del path, target
        if not fullname.startswith(f"{self.package}."):
            return None
        file = beside(self.folder, fullname.partition(".")[2])
        if file is None:
            return None
        if file.is_dir():
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(file)]
            return spec
        loader = _Loader(fullname, str(file), self._builtins)
        search = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=search)

    def holds(self, top: str) -> bool:
        """Whether a module of that name lies beside the file."""
        return beside(self.folder, top) is not None

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level:
            return _import(name, globals, locals, fromlist or (), level)
        if top == "locust" or name == "random":
            return self._given(name, fromlist)
        if self.holds(top):
            module = importlib.import_module(f"{self.package}.{name}")
            if not fromlist:
                return sys.modules[f"{self.package}.{top}"]
            self._submodules(module, fromlist)
            return module
        return _import(name, globals, locals, fromlist or (), level)

    def _open(self, file: Any, *how: Any, **named: Any) -> Any:  # noqa: ANN401 - the signature of open
        """Open a file; what lies below the folder is found from there, wherever the process stands."""
        there = self.folder / file if isinstance(file, str | os.PathLike) else None
        return open(there if there is not None and there.exists() else file, *how, **named)  # noqa: PTH123

    def _given(self, name: str, fromlist: Sequence[str] | None) -> ModuleType:
        found = self._stand_in.get(name)
        if found is None:
            raise ModuleNotFoundError(
                f"{name} can't be played here: only users of HTTP, their tasks and waits are", name=name
            )
        return found if fromlist else self._stand_in[name.partition(".")[0]]

    @staticmethod
    def _submodules(module: ModuleType, fromlist: Sequence[str]) -> None:
        """Import what is named of a package, where it is a module of it."""
        for one in fromlist:
            if one != "*" and hasattr(module, "__path__") and not hasattr(module, one):
                try:
                    importlib.import_module(f"{module.__name__}.{one}")
                except ModuleNotFoundError as error:
                    if error.name != f"{module.__name__}.{one}":
                        raise


class _Loader(SourceFileLoader):
    """Runs a module with builtins of its own, and writes nothing beside it."""

    def __init__(self, name: str, path: str, own: Mapping[str, Any]) -> None:
        super().__init__(name, path)
        self._own = own

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        module.__dict__["__builtins__"] = self._own
        code = self.get_code(module.__name__)
        assert code is not None  # noqa: S101 - it has a source
        exec(code, module.__dict__)  # noqa: S102 - the user's own file, named in targets.yaml

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:  # noqa: ANN401 - the loader's signature
        """Keep no compiled copy."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Find no compiled copy."""
        raise OSError(path)


@contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Stand in a folder in the block: a locustfile finds its data from where Locust would be started."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _without_patches() -> Iterator[None]:
    """Let gevent's patches do nothing in the block: where sessions are played they are made, elsewhere they mustn't."""
    from gevent import monkey  # noqa: PLC0415 - gevent is no more than this here

    names = [name for name in vars(monkey) if name.startswith("patch_")]
    kept = {name: getattr(monkey, name) for name in names}
    for name in names:
        setattr(monkey, name, lambda *_, **__: True)
    try:
        yield
    finally:
        for name, one in kept.items():
            setattr(monkey, name, one)
