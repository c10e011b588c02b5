"""A call in a copy of this process, for libraries that end the process on what they can't read."""

import faulthandler
import os
import pickle
import platform
import resource
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

Answer = TypeVar("Answer")
FORKS = platform.system() == "Linux"
"""Elsewhere a copy isn't safe once libraries have threads: macOS' own frameworks refuse to go on in one."""


class CrashedError(Exception):
    """Raised when the copy of the process ended without an answer."""


def forked(call: Callable[[], Answer]) -> Answer:
    """Return what `call` returns in a copy of this process, or raise what it raises; both must be picklable.

    What it changes in memory is lost. Raises CrashedError where the copy ended without an answer. Where `FORKS` is
    false it is called in this process.
    """
    if not FORKS:
        return call()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: what is called here takes none of their locks
        copy = os.fork()
    if copy == 0:
        os.close(reading)
        _answer(call, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as answers:
            told = answers.read()
    finally:
        _end(copy)
    if not told:
        raise CrashedError("it ended without an answer")
    value, error = pickle.loads(told)  # noqa: S301 - of our own copy
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


def _answer(call: Callable[[], object], writing: int) -> NoReturn:
    """Call it and write the answer in one piece, then end: nothing that this process has open is closed by it."""
    try:
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the library says before it ends the process
        try:
            told = pickle.dumps((call(), None))
        except BaseException as error:  # noqa: BLE001 - told to the process that asked
            told = pickle.dumps((None, error))
        with os.fdopen(writing, "wb") as answers:
            answers.write(told)
    finally:
        os._exit(0)


def _end(copy: int) -> None:
    """End the copy, if it goes on, and take its end."""
    with suppress(ProcessLookupError):
        os.kill(copy, 9)
    os.waitpid(copy, 0)
