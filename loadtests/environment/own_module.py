"""Runs a Python file of the user's, named in their own targets.yaml, and returns its module."""

import importlib.util
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType

from slo.documents import BadInput, read_text

MAX_BYTES = 1 << 20


def load_module(path: Path, text: str | None = None) -> ModuleType:
    """Run a Python file of the user's, or the `text` read from it already; raises BadInput with the file's own line."""
    text = read_text(path, MAX_BYTES) if text is None else text
    name = f"peakproof_user_{path.stem}"
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        place = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise BadInput(f"{path}: {place}{getattr(error, 'msg', error)}") from error
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None  # noqa: S101 - it was given a name
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file, named in their own targets.yaml
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"{path}: {place_of(error, path)}{type(error).__name__}: {error}") from error
    return module


def place_of(error: BaseException, path: Path) -> str:
    """Return `line N: ` for the last line of the file at `path` that an error came through, "" for none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]}: " if lines else ""


def classes_of(module: ModuleType, base: type) -> list[type]:
    """Return the classes that a module defines itself and that are a `base`."""
    own = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__)
    return [one for one in dict.fromkeys(own) if issubclass(one, base)]
