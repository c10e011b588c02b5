"""Trying changes of functions within one session of pytest, whose tests are imported and collected once.

Each change is a fork in which one function has other code, and only those tests run that reach its line. What this
can't show, it doesn't say: a change outside of functions, or in one that ran while modules were imported and tests
collected, is tried by `trial`, whose tests all run with the module imported anew.
"""

import ast
import gc
import json
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType

import coverage
import hypothesis
import pytest

from scripts.benches.mutation.changes import Change
from scripts.benches.mutation.trial import FAILED, OPTIONS, Outcome, forget_ours, forked, waited

_PROFILE = "mutation"
_LONGEST_NAME = 4096
_TEST_LEAST_S, _TEST_TIMES_AS_LONG = 4.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What the tests took while nothing was changed, and by file and line which of them ran it."""

    took_s: Mapping[str, float]
    tests: Mapping[str, Mapping[int, frozenset[str]]]

    def at_import(self, path: Path, lines: range) -> bool:
        """Return whether any of the lines ran before the first test."""
        by_line = self.tests.get(str(path.resolve()), {})
        return any("" in by_line.get(line, ()) for line in lines)

    def of(self, path: Path, lines: range, killed: Mapping[str, int] = MappingProxyType({})) -> list[str]:
        """Return the tests that ran any of the lines: first the quick ones, and those that `killed` many before."""
        by_line = self.tests.get(str(path.resolve()), {})
        found = frozenset[str]().union(*(by_line.get(line, frozenset()) for line in lines))
        return sorted(found, key=lambda name: self.took_s.get(name, 0.0) / (1 + killed.get(name, 0)))


class Trials:
    """What tries changes within a session; valid while the session's tests are being run.

    The modules are those that the session imported, whatever becomes of their files meanwhile.
    """

    def __init__(self, session: pytest.Session, lines: coverage.Coverage, sources: Mapping[str, bytes]) -> None:
        self._sources = sources
        self._items = {item.nodeid: item for item in session.items}
        self._session = session
        self._killed = Counter[str]()
        self.reach = self._measured(lines)
        self._functions = _functions_of(sources)
        gc.collect()
        gc.freeze()  # a collection in a fork would touch, and copy, what all share

    def quick(self, change: Change, most_s: float, test_least_s: float = _TEST_LEAST_S) -> Outcome | None:
        """Return what the tests that reach it make of a change; None when that shows nothing.

        All of them may take `most_s` of CPU time, and each `test_least_s` or, if that is more, many times what it took
        while nothing was changed: else a loop that a change keeps from ending would take as long as many times all.
        """
        path = Path(change.file)
        source = self._sources[change.file]
        function, lines = _place_of(ast.parse(source), change.line)
        if function is None or self.reach.at_import(path, lines):
            return None
        tests = self.reach.of(path, lines, self._killed)
        if not tests:
            return "survived"
        code = _code_of(compile(change.apply(source), str(path), "exec", dont_inherit=True), function)
        objects = self._functions.get((change.file, *function))
        if objects is None:
            raise RuntimeError(f"{path}: no function {function[0]} is there")

        def run() -> int:
            for one in objects:
                one.__code__ = code
            failing = self._run(tests, test_least_s)
            if failing is not None:
                os.write(told, failing.encode()[:_LONGEST_NAME])
            return 1 if self._session.testsfailed else 0

        failed, told = os.pipe()
        ended = waited(forked(run), most_s)
        os.close(told)
        if ended == 1:
            self._killed[os.read(failed, _LONGEST_NAME).decode()] += 1
        os.close(failed)
        if ended in (None, -signal.SIGPROF):
            return "too long"
        return "survived" if ended == 0 else "killed" if ended in FAILED or ended < 0 else None

    def _measured(self, lines: coverage.Coverage) -> Reached:
        with tempfile.TemporaryDirectory() as scratch:
            told = Path(scratch) / "reach.json"

            def run() -> int:
                told.write_text(json.dumps(self._reached(lines)))
                return 1 if self._session.testsfailed else 0

            ended = waited(forked(run), None)
            if ended != 0:
                raise RuntimeError(f"the tests fail before anything is changed: they ended with {ended}")
            took_s, tests = json.loads(told.read_text())
        return Reached(
            took_s=took_s,
            tests={
                file: {int(line): frozenset(names) for line, names in by_line.items()}
                for file, by_line in tests.items()
            },
        )

    def _reached(self, lines: coverage.Coverage) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
        took = _Took()
        self._session.config.pluginmanager.register(took)
        lines.start()
        for name in self._items:
            lines.switch_context(name)
            self._run([name])
            if self._session.shouldfail:
                break
        lines.stop()
        data = lines.get_data()
        reached = {
            file: {line: list(names) for line, names in data.contexts_by_lineno(file).items()}
            for file in data.measured_files()
        }
        return took.took_s, reached

    def _run(self, names: Sequence[str], least_s: float | None = None) -> str | None:
        """Run tests until one fails; return which. One that takes far too long, and `least_s`, ends this process."""
        for number, name in enumerate(names):
            if least_s is not None:
                most_s = max(least_s, _TEST_TIMES_AS_LONG * self.reach.took_s.get(name, 0.0))
                signal.setitimer(signal.ITIMER_PROF, most_s)  # SIGPROF, which ends a process that doesn't handle it
            item = self._items[name]
            after = self._items[names[number + 1]] if number + 1 < len(names) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._session.shouldfail:
                return name
        return None


class _Took:
    """Notes what each test takes."""

    def __init__(self) -> None:
        self.took_s = dict[str, float]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took_s[report.nodeid] = self.took_s.get(report.nodeid, 0.0) + report.duration


class _Instead:
    """Has something else done where a session would run its tests."""

    def __init__(self, lines: coverage.Coverage, sources: Mapping[str, bytes], done: Callable[[Trials], None]) -> None:
        self._lines, self._sources, self._done = lines, sources, done
        self.failure: Exception | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.unregister(name="terminalreporter")
        try:
            self._lines.stop()
            self._done(Trials(session, self._lines, self._sources))
        except Exception as failure:  # noqa: BLE001 - raised again outside of pytest, which would make a text of it
            self.failure = failure
        return True


def in_session(tests: Sequence[str], sources: Mapping[str, bytes], done: Callable[[Trials], None]) -> None:
    """Call `done` with trials of the modules in `sources` over those tests, in which each module's text is given.

    Raises RuntimeError when the tests fail before anything is changed.
    """
    forget_ours()
    lines = coverage.Coverage(
        data_file=None, config_file=False, include=[str(Path(file).resolve()) for file in sources]
    )
    lines.start()
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # no smaller example of what fails is wanted
    hypothesis.settings.register_profile(_PROFILE, database=None, phases=phases, deadline=None)
    hypothesis.settings.load_profile(_PROFILE)
    instead = _Instead(lines, sources, done)
    try:
        ended = pytest.main([*OPTIONS, *tests], plugins=[instead])
    finally:
        gc.unfreeze()
    if instead.failure is not None:
        raise instead.failure
    if ended != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests can't be collected: pytest ended with {ended}")


def _place_of(tree: ast.Module, line: int) -> tuple[tuple[str, int] | None, range]:
    """Return the outermost function whose body has the line, by name and first line, and the lines of its statement."""
    found: tuple[str, int] | None = None
    lines = range(line, line + 1)
    inside: list[ast.stmt] = list(tree.body)
    names: list[str] = []
    while inside:
        statement = next((one for one in inside if _first(one) <= line <= (one.end_lineno or 0)), None)
        if statement is None:
            break
        body = [one for field in ("body", "orelse", "finalbody") for one in getattr(statement, field, [])]
        body += [one for handler in getattr(statement, "handlers", []) for one in handler.body]
        body += [one for case in getattr(statement, "cases", []) for one in case.body]
        head = min((_first(one) for one in body), default=(statement.end_lineno or line) + 1)
        lines = range(statement.lineno, max(head, statement.lineno + 1))
        if isinstance(statement, ast.ClassDef | ast.FunctionDef) and found is None:
            names.append(statement.name)
            if isinstance(statement, ast.FunctionDef) and line >= head:
                found = (".".join(names), _first(statement))
        inside = body
    return found, lines


def _first(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _code_of(code: CodeType, function: tuple[str, int]) -> CodeType:
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    for one in inner:
        if (one.co_qualname, one.co_firstlineno) == function:
            return one
        if function[0].startswith(f"{one.co_qualname}."):
            return _code_of(one, function)
    raise RuntimeError(f"{code.co_filename}: no function {function[0]}")


def _functions_of(sources: Iterable[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Return each function object of those files there is now, by file, name and first line.

    Looked for once: whoever looks in a fork touches each object there is, and copies all memory.
    """
    gc.unfreeze()  # what is frozen isn't listed
    resolved = {str(Path(file).resolve()): file for file in sources}
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and (file := resolved.get(one.__code__.co_filename)) is not None:
            found.setdefault((file, one.__code__.co_qualname, one.__code__.co_firstlineno), []).append(one)
    return found
