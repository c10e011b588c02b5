"""Runs a Python file of the user's, named in their own targets.yaml, and returns its module."""

import importlib.util
import linecache
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

from slo.documents import BadInput, read_text

MAX_BYTES = 1 << 20
MOST_S = 10.0
_LONGEST_MESSAGE = 500


class _TooLongError(BaseException):
    """A file's code hasn't ended in time; no `except Exception` in it keeps that."""


def load_module(path: Path, text: str | None = None) -> ModuleType:
    """Run a Python file of the user's, or the `text` read from it already; raises BadInput with the file's own line.

    It may take `MOST_S`, where that can be watched: in the main thread.
    """
    text = read_text(path, MAX_BYTES) if text is None else text
    name = f"peakproof_user_{path.stem}"
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        why = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise BadInput(f"{path}: {place}{why}{_source(text, error)}") from error
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None  # noqa: S101 - it was given a name
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    sys.modules[name] = module
    try:
        with _no_longer_than(MOST_S):
            exec(code, module.__dict__)  # noqa: S102 - the user's own file, named in their own targets.yaml
    except (Exception, SystemExit, _TooLongError) as error:
        del sys.modules[name]
        raise BadInput(f"{path}: {place_of(error, path)}{_why(error)}") from error
    return module


def run_bounded(path: Path, run: Callable[[], ModuleType]) -> ModuleType:
    """Return what runs the code of the file at `path`, and of others for it; raises BadInput as `load_module` does."""
    try:
        with _no_longer_than(MOST_S):
            return run()
    except SyntaxError as error:
        raise BadInput(f"{error.filename or path}: line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit, _TooLongError) as error:
        raise BadInput(f"{path}: {place_of(error, path)}{_why(error)}") from error


def place_of(error: BaseException, path: Path) -> str:
    """Return `line N: ` for the last line of the file at `path` that an error came through, "" for none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]}: " if lines else ""


def classes_of(module: ModuleType, base: type) -> list[type]:
    """Return the classes that a module defines itself and that are a `base`."""
    own = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__)
    return [one for one in dict.fromkeys(own) if issubclass(one, base)]


def _why(error: BaseException) -> str:
    if isinstance(error, _TooLongError):
        return f"the file's own code hasn't ended after {MOST_S:g} s: requests belong into journeys, not beside them"
    if isinstance(error, SystemExit):
        return "the file ends the process: take sys.exit() or exit() out of it"
    message = f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    if isinstance(error, ModuleNotFoundError):
        return f"{message}: install it beside peakproof, and on each machine of a worker"
    return message


def _source(text: str, error: BaseException) -> str:
    """Return the line that isn't Python."""
    lines = text.splitlines()
    number = error.lineno if isinstance(error, SyntaxError) else None
    return f": {lines[number - 1].strip()[:80]}" if number and number <= len(lines) else ""


@contextmanager
def _no_longer_than(most_s: float) -> Iterator[None]:
    """Raise _TooLongError in the block after that time; elsewhere than in the main thread it isn't watched."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
