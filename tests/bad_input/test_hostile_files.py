"""Hostile files and values end a command with its exit code: no traceback, no hang, no secret, no control character."""

import json
import shutil
import signal
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.bad_input.conftest import Peakproof
from tests.bad_input.hostile import ADDRESSES, ALL, ESCAPE, HIDDEN, SECRET
from tests.scripts.made_run import make_run
from tests.scripts.world import targets, write_inputs

LONGEST_S, LONGEST_WAIT_S = 10, 120  # of CPU; of waiting, on a machine that is busy
CODES = {0, 2, 75, 99}

# Each file that a user gives, and a command that reads it.
READ_BY: dict[str, tuple[str, ...]] = {
    "plan.yaml": ("plan", "show", "plan.yaml"),
    "objectives.yaml": ("slo", "check", "objectives.yaml"),
    "targets.yaml": ("plan", "show", "plan.yaml", "--on", "staging"),
    "prices.yaml": ("plan", "show", "plan.yaml", "--prices", "prices.yaml"),
    "orders.csv": ("forecast", "orders.csv"),
    "forecast.json": ("plan", "build", "--factor", "1.5", "--to", "built.yaml"),
    "visit.har": ("har", "import", "visit.har"),
    "exporters.yaml": ("rules", "build", "--environment", "staging", "--config", "exporters.yaml"),
    "accounts.csv": ("plan", "show", "plan.yaml", "--on", "staging"),
    "policy.yaml": ("gate", "plan.yaml", "--on", "staging", "--policy", "policy.yaml"),
    "scrape.txt": ("slo", "check", "objectives.yaml", "--metrics", "scrape.txt"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command, and what stands in its folder beside good inputs: bytes, or a maker of what is no file."""

    arguments: tuple[str, ...]
    files: Mapping[str, bytes | Callable[[Path], object]] = field(default_factory=dict)
    refused: bool = False


def _files() -> Iterator[tuple[str, Case]]:
    with_accounts = targets(accounts={"file": "accounts.csv"}).encode()
    for name, arguments in READ_BY.items():
        beside = {"targets.yaml": with_accounts} if name == "accounts.csv" else {}
        for kind, content in ALL.items():
            yield f"{name}: {kind}", Case(arguments=arguments, files={**beside, name: content})


def _environment(**changes: Any) -> bytes:
    return targets(**changes).encode()


def _addresses() -> Iterator[tuple[str, Case]]:
    places: dict[str, Callable[[str], dict[str, Any]]] = {
        "base_url": lambda url: {"base_url": url},
        "hosts": lambda url: {"hosts": {"cdn": {"url": url}}},
        "kill_url": lambda url: {"kill_url": url},
        "proxy": lambda url: {"proxy": {"url": url}},
        "metrics": lambda url: {"metrics": [{"job": "shop", "url": url}]},
        "shop_records": lambda url: {"shop_records": {"orders": {"http": {"url": url}}}},
        "alertmanager_url": lambda url: {"alertmanager_url": url},
        "variants": lambda url: {"variants": {"a": {"base_url": url}, "b": {"base_url": url}}},
    }
    for place, changed in places.items():
        for kind, url in ADDRESSES.items():
            given = _environment(**changed(url))
            yield (
                f"{place}: {kind}",
                Case(arguments=READ_BY["targets.yaml"], files={"targets.yaml": given}, refused=True),
            )
    for kind, url in ADDRESSES.items():
        yield f"init: {kind}", Case(arguments=("init", url), refused=True)
        budget = json.dumps({"format": "peakproof/policy/v1", "error_budget": {"prometheus": url}}).encode()
        yield f"policy: {kind}", Case(arguments=READ_BY["policy.yaml"], files={"policy.yaml": budget}, refused=True)


def _values() -> Iterator[tuple[str, Case]]:
    names = {"escape": ESCAPE, "bidi": HIDDEN, "zero": "a\0b", "long": "n" * 100_000, "newline": "a\npeakproof: PASS"}
    for kind, name in names.items():
        documents = {
            "environment": {"format": "peakproof/targets/v1", "environments": {name: {}}},
            "host": json.loads(targets(hosts={name: {"url": "http://h.test"}})),
            "header": json.loads(targets(headers={name: "x"})),
            "key": json.loads(_environment(**{name: 1})),
            "storefront": json.loads(targets(storefront=name)),
            "secret's file": json.loads(targets(token_env=None, token_file=name)),
            "accounts": json.loads(targets(accounts={"file": name})),
            "probe": json.loads(targets(release_probe={"path": f"/{name}", "field": name})),
        }
        for what, document in documents.items():
            given = json.dumps(document).encode()
            yield f"{what}: {kind}", Case(arguments=READ_BY["targets.yaml"], files={"targets.yaml": given})
        if "\0" not in name:
            yield f"argument: {kind}", Case(arguments=("judge", name))
            yield f"option: {kind}", Case(arguments=("plan", "show", "plan.yaml", f"--{name}"), refused=True)
            yield f"verb: {kind}", Case(arguments=(name,), refused=True)


CASES = dict([*_files(), *_addresses(), *_values()])


@pytest.fixture
def in_time() -> Iterator[None]:
    """Fail the test when it takes too much CPU, or waits for what never comes."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(f"not ended after {LONGEST_S} s of CPU, or {LONGEST_WAIT_S} s")

    before = [(kind, signal.signal(kind, late)) for kind in (signal.SIGALRM, signal.SIGPROF)]
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT_S)
    yield
    for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
        signal.setitimer(timer, 0)
    for kind, handler in before:
        signal.signal(kind, handler)


def unsafe(text: str) -> set[str]:
    """Return what of a text a terminal would not show as a character."""
    return {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in "\n\t"}


def put(folder: Path, files: Mapping[str, bytes | Callable[[Path], object]]) -> None:
    for name, content in files.items():
        path = folder / name
        path.unlink(missing_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_hostile_is_refused_or_read_and_nothing_else(called: Peakproof, case: Case) -> None:
    write_inputs(called.command.folder)
    put(called.command.folder, case.files)
    ended = called(*case.arguments, SHOP_TOKEN="made-up")
    said = ended.out + ended.err
    assert ended.code in ({2} if case.refused else CODES), said[:2000]
    assert SECRET not in said
    assert unsafe(said) == set(), said[:2000]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run directory that passes."""
    return make_run(tmp_path_factory.mktemp("made"), "PASS")


IN_RUN = ("run.json", "manifest.json", "audit.json", "requests-w0-00000.parquet")
IN_RUN_KINDS = ("a control character in a key", "a pipe", "a folder")
RUN_CASES = {f"{name}: {kind}": (name, kind) for name in IN_RUN for kind in IN_RUN_KINDS}


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(("name", "kind"), RUN_CASES.values(), ids=RUN_CASES)
def test_a_run_directory_that_is_hostile_is_no_pass(called: Peakproof, run: Path, name: str, kind: str) -> None:
    copy = called.command.folder / "runs" / run.name
    shutil.copytree(run, copy)
    assert (copy / name).exists()
    put(copy, {name: ALL[kind]})
    ended = called("judge", str(copy))
    said = ended.out + ended.err
    assert ended.code in {2, 75, 99}, said[:2000]
    assert unsafe(said) == set(), said[:2000]
