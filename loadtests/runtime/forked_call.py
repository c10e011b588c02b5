"""A call in a copy of this process, for libraries that end the process on what they can't read."""

import faulthandler
import os
import pickle
import platform
import resource
import select
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

Answer = TypeVar("Answer")
FORKS = platform.system() == "Linux"
"""Elsewhere a copy isn't safe once libraries have threads: macOS' own frameworks refuse to go on in one."""

_PIECE = 1 << 16


class CrashedError(Exception):
    """Raised when the copy of the process ended without an answer, or stood still; the message says what it did."""


def forked(call: Callable[[], Answer], reached: Callable[[], object], still_s: float = 60.0) -> Answer:
    """Return what `call` returns in a copy of this process, or raise what it raises; both must be picklable.

    What it changes in memory is lost. Raises CrashedError where the copy ended without an answer, or where what
    `reached` tells of it stayed the same for `still_s` seconds: a lock that another thread held when the copy was made
    is never released in it. Where `FORKS` is false it is called in this process, with no such limit.
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
        told = _told(reading, reached, still_s)
    finally:
        os.close(reading)
        _end(copy)
    try:
        value, error = pickle.loads(told)  # noqa: S301 - of our own copy
    except (EOFError, pickle.UnpicklingError):
        raise CrashedError("ended without an answer") from None
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


def _told(reading: int, reached: Callable[[], object], still_s: float) -> bytes:
    """Return all that the copy writes until it closes its end; raises CrashedError where it stands still."""
    told, before = bytearray(), reached()
    answers = select.poll()
    answers.register(reading, select.POLLIN)
    while True:
        if answers.poll(still_s * 1000):
            piece = os.read(reading, _PIECE)
            if not piece:
                return bytes(told)
            told += piece
        elif (now := reached()) == before:
            raise CrashedError(f"stood still for {still_s:g} s")
        else:
            before = now


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
