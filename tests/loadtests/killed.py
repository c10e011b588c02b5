"""A process that is killed at any moment of what it does to files: from then on it does nothing more."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class KilledError(BaseException):
    """The process was killed; no handler of its own may do anything more to a file."""


@contextmanager
def _from(operation: int) -> Iterator[list[str]]:
    done: list[str] = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if len(done) >= operation:
                raise KilledError
            done.append(real.__name__)
            return real(*given, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for place, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
            patch.setattr(place, name, counted(getattr(place, name)))
        yield done


def each_kill(act: Callable[[], object], prepare: Callable[[], object], most: int = 100) -> Iterator[int]:
    """Prepare and act, killed before each operation on a file in turn; yield after each with how many were done.

    The last one wasn't killed.
    """
    for operation in range(most):
        prepare()
        try:
            with _from(operation):
                act()
        except KilledError:
            yield operation
        else:
            yield operation
            return
    raise AssertionError(f"it does more than {most} operations on files")
