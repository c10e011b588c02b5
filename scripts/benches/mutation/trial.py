"""Trying a change: a fork in which one module is changed runs the tests, quickest first, until one fails."""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Literal

import numpy as np  # noqa: F401 - these are imported once, by the process that forks
import pyarrow as pa  # noqa: F401
import pydantic  # noqa: F401
import pytest
import scipy.optimize
import scipy.special  # noqa: F401

Outcome = Literal["killed", "survived", "too long"]
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not heavy"),
    *("--assert=plain", "--tb=no"),  # that it fails is enough: explaining how takes longer than the tests do
)
_POLL_S, _MOST_POLL_S = 0.002, 0.1
_WAITS_TIMES = 10
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_OURS = frozenset({"slo", "loadtests", "exporters", "dashboards", "scripts", "peakproof", "tests"})
FAILED = (1, 2, 4)
"""How pytest ends where a test failed, or a module or a conftest couldn't be imported."""


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module: the changed one."""

    def __init__(self, module: str, path: Path, source: bytes) -> None:
        self._module, self._path, self._source = module, path, source

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - there is one
        return self._source.decode()

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - there is one
        return compile(self._source, str(self._path), "exec", dont_inherit=True)


class _QuickestFirst:
    """Runs the tests in order of the time they took, and notes what they take."""

    def __init__(self, took_s: Mapping[str, float]) -> None:
        self._known, self.took_s = took_s, dict[str, float]()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._known.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took_s[report.nodeid] = self.took_s.get(report.nodeid, 0.0) + report.duration


def times_of(tests: Sequence[str], scratch: Path) -> dict[str, float]:
    """Return how long each test takes while nothing is changed; raises RuntimeError when one fails."""
    told = scratch / "times.json"
    outcome = waited(_forked(tests, None, {}, told), None)
    if outcome != 0:
        raise RuntimeError(f"the tests fail before anything is changed: pytest ended with {outcome}")
    times: dict[str, float] = json.loads(told.read_text())
    return times


def check_noticed(tests: Sequence[str], path: Path) -> None:
    """Raise RuntimeError when tests don't notice that a module can't be imported: they don't get the changed one."""
    if try_change(tests, path, b"raise ImportError\n", {}, 120.0) != "killed":
        raise RuntimeError(f"{path}: none of the tests imports it")


def try_change(tests: Sequence[str], path: Path, source: bytes, times: Mapping[str, float], most_s: float) -> Outcome:
    """Return what the tests make of a module of that source; more than `most_s` is too long, and noticed."""
    module = ".".join(path.with_suffix("").parts)
    code = waited(_forked(tests, _Changed(module, path, source), times, None), most_s)
    if code is None:
        return "too long"
    if code == 0:
        return "survived"
    if code in FAILED or code < 0:
        return "killed"
    raise RuntimeError(f"{path}: pytest ended with {code}")


def _forked(tests: Sequence[str], changed: _Changed | None, times: Mapping[str, float], told: Path | None) -> int:
    def run() -> int:
        forget_ours()
        if changed is not None:
            sys.meta_path.insert(0, changed)
        order = _QuickestFirst(times)
        code = int(pytest.main([*OPTIONS, *tests], plugins=[order]))
        if told is not None:
            told.write_text(json.dumps(order.took_s))
        return code

    return forked(run)


def forget_ours() -> None:
    """Have the next import of a module of this repository read it again, but for these benches."""
    for name in list(sys.modules):
        if name.split(".")[0] in _OURS and not name.startswith("scripts.benches"):
            del sys.modules[name]


def forked(work: Callable[[], int]) -> int:
    """Return the process that does it, without input and output, and ends with its number, or 3 when it raises."""
    child = os.fork()
    if child:
        return child
    code = 3
    try:
        os.setpgid(0, 0)
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        code = work()
    finally:
        os._exit(code)


def waited(child: int, most_s: float | None) -> int | None:
    """Return how the child ended, minus the signal that ended it; None when it took too long and was ended.

    What counts is its own CPU time, as others may be busy; one that only waits gets ten times as long.
    """
    began, poll_s = time.monotonic(), _POLL_S
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if most_s is not None and _spent_s(child, began) > most_s:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(poll_s)
        poll_s = min(_MOST_POLL_S, poll_s * 1.1)


def _spent_s(child: int, began: float) -> float:
    after_name = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])  # proc(5): utime and stime
    return max(ticks / _TICKS_A_SECOND, (time.monotonic() - began) / _WAITS_TIMES)
