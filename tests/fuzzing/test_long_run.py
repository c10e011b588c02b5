"""`make fuzz` finds what fails, keeps and shrinks it, goes on where it was ended, and counts no input twice."""

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzzing import parser as parsers
from tests.fuzzing.long_run import ENDED, LongRun
from tests.fuzzing.parser import Parser
from tests.fuzzing.summary import failures_of

_SEED = b"a=1;b=2;c=3"
_SOON_S, _LATE_S = 0.5, 10.0  # what hangs is waited for; nothing else hangs, however busy the machine is


def _planted(data: bytes) -> object:
    """Refuse most, and fail on three words of the grammar, each in its way."""
    if b"RAISES" in data:
        raise KeyError(len(data))
    while b"HANGS" in data:
        time.sleep(0.01)
    if b"ENDS" in data:
        os._exit(9)
    raise ValueError(data)


def _run(
    folder: Path,
    wanted: int,
    *tokens: bytes,
    parse: Callable[[bytes], object] = _planted,
    alarm_s: float = _LATE_S,
) -> LongRun:
    parser = Parser(name="planted", parse=parse, refuses=(ValueError,), seeds=(_SEED,), tokens=tokens)
    said: list[str] = []
    run = LongRun(parsers={"planted": parser}, wanted=wanted, folder=folder, say=said.append, alarm_s=alarm_s)
    for _ in run.batches(time.monotonic() + 60):
        pass
    return run


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parsers, "CORPUS", tmp_path / "corpus")
    return tmp_path / "corpus" / "planted"


@pytest.mark.parametrize(
    ("word", "kind", "sort"),
    [
        (b"RAISES", "KeyError in tests/fuzzing/test_long_run.py, _planted", "tracebacks"),
        (b"HANGS", "not parsed within N.N s", "hangs"),
        (b"ENDS", ENDED, "tracebacks"),
    ],
)
def test_what_fails_is_found_shrunk_and_kept(tmp_path: Path, corpus: Path, word: bytes, kind: str, sort: str) -> None:
    run = _run(tmp_path / "state", 300, word, alarm_s=_SOON_S if word == b"HANGS" else _LATE_S)
    counted = run.counted["planted"]
    assert counted.open == (kind,)
    assert failures_of(counted)[sort] == 1
    assert not run.is_whole
    (kept,) = (path.read_bytes() for path in corpus.iterdir())
    assert word in kept
    if word == b"RAISES":  # the others' tries wait for time, which a busy machine may not have
        assert kept == word


def test_what_failed_is_tried_again_and_the_run_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    before = _run(tmp_path / "state", 2000, b"RAISES").counted["planted"].inputs
    assert before == 1000, "it waits after the batch in which it failed"
    assert _run(tmp_path / "state", 2000, b"RAISES").counted["planted"].inputs == before
    after = _run(tmp_path / "state", 2000, b"RAISES", parse=bytes)
    assert after.is_whole
    assert after.counted["planted"].inputs == 2000
    assert after.counted["planted"].open == ()


def test_inputs_are_counted_once_over_all_starts(tmp_path: Path) -> None:
    for wanted in (300, 700):
        assert _run(tmp_path / "state", wanted).counted["planted"].inputs == wanted
    seen = (tmp_path / "state" / "planted" / "seen.bin").read_bytes()
    assert len({seen[at : at + 8] for at in range(0, len(seen), 8)}) == 700


def test_a_batch_has_its_memory_however_much_is_reserved_where_it_is_forked(tmp_path: Path) -> None:
    def needs_memory(data: bytes) -> object:
        raise ValueError(len(data) + len(bytes(64 << 20)))

    with mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ):
        assert _run(tmp_path / "state", 5, parse=needs_memory).is_whole
