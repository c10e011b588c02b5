"""A word that was given up for the field's own doesn't come back as a file, a class, a function or a variable."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging")
# The word, and what stands in its place. A word is added when the last identifier that held it is gone.
IDENTIFIERS: Mapping[str, str] = {
    "afar": "remote",
    "attendance": "worker liveness",
    "bell": "stop event",
    "conductor": "scheduler",
    "conversation": "connection",
    "crew": "workers",
    "director": "master",
    "gathering": "rendezvous",
    "goodbye": "GOAWAY",
    "greeting": "connection preface",
    "grounds": "context",
    "luck": "random numbers",
    "mouth": "transport",
    "obey": "apply",
    "outbox": "uploader",
    "papers": "run bundle",
    "performer": "worker side",
    "player": "worker",
    "porter": "admission",
    "pulse": "periodic timer",
    "spell": "error burst",
    "spells": "error bursts",
    "vigil": "watchdog",
    "wish": "change",
}
FILES: Mapping[str, str] = {
    **IDENTIFIERS,
    "sight": "shared_path",
    "course": "load",
    "last_words": "worker_shutdown",
    "look_before": "preflight",
    "passage": "proxy_rules",
    "spoken": "probe",
    "stage": "process",
    "wording": "formatting",
}
# Classes that have the field's noun now.
CLASSES: Mapping[str, str] = {
    "Attendance": "WorkerLiveness",
    "Conductor": "Scheduler",
    "Conversation": "Http2Connection",
    "Desk": "BundleServer",
    "Director": "Master",
    "Door": "Admission",
    "Gathering": "Rendezvous",
    "Incoming": "FrameReader",
    "Inflow": "BodyStream",
    "Instruments": "Telemetry",
    "KillWatch": "KillSwitch",
    "Luck": "SplitMix64",
    "Outgoing": "FrameWriter",
    "Papers": "RunBundle",
    "Performance": "RunLifecycle",
    "Performer": "WorkerSide",
    "Player": "Worker",
    "Porter": "AdmissionHandler",
    "Pulse": "PeriodicTimer",
    "Reach": "ResolvedEnvironment",
    "Stalls": "HubLag",
    "Wording": "RequestBytes",
}
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def words(identifier: str) -> set[str]:
    """Return the words of an identifier: `_StopEvent` and `STOP_EVENT` both hold stop and event."""
    return {part.lower() for part in _PARTS.findall(identifier)}


def identifiers(source: str) -> Iterator[str]:
    """Yield the names that a module defines: classes, functions, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def modules() -> list[Path]:
    """Return every module of the product."""
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_no_file_has_a_name_that_was_given_up() -> None:
    assert [f"{path.relative_to(ROOT)}: say {FILES[path.stem]}" for path in modules() if path.stem in FILES] == []


@pytest.fixture(scope="module")
def defined() -> Mapping[Path, set[str]]:
    """Return the names that each module of the product defines."""
    return {path: set(identifiers(path.read_text(encoding="utf-8"))) for path in modules()}


def test_no_class_has_a_name_that_was_given_up(defined: Mapping[Path, set[str]]) -> None:
    """Nor has anything else such a name."""
    assert [
        f"{path.relative_to(ROOT)}: {name}: say {CLASSES[name.lstrip('_')]}"
        for path, names in defined.items()
        for name in sorted(names)
        if name.lstrip("_") in CLASSES
    ] == []


def test_no_identifier_holds_a_word_that_was_given_up(defined: Mapping[Path, set[str]]) -> None:
    assert [
        f"{path.relative_to(ROOT)}: {name}: say {IDENTIFIERS[word]}"
        for path, names in defined.items()
        for name in sorted(names)
        for word in sorted(words(name) & IDENTIFIERS.keys())
    ] == []


@pytest.mark.parametrize(
    ("source", "held"),
    [
        ("class StopBell: ...", {"stop", "bell"}),
        ("def _ring(bell): ...", {"ring", "bell"}),
        ("self._bell = 1", {"bell"}),
        ("BELL_S: float = 1.0", {"bell", "s"}),
        ("label = umbellifer", {"label"}),
        ("print(bell)", set()),
    ],
)
def test_only_whole_words_of_names_that_are_defined_count(source: str, held: set[str]) -> None:
    assert set().union(*map(words, identifiers(source))) == held
