"""Orders of probes: counted over a day from what is on disk, one probe of a target at a time."""

import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.probe.orders import DAY_NS, LockTakenError, alone, attempted_since
from slo.documents import BadInput

NOW = 10 * DAY_NS


def ledger(folder: Path, directory: str, *rows: object, text: str = "") -> Path:
    path = folder / directory / "ledger-buy.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + text)
    os.utime(path, ns=(NOW, NOW))
    return path


def attempt(at: int) -> dict[str, object]:
    return {"event": "attempt", "at": at, "session": 1, "key": "k", "lines": [], "amount_cents": 1}


def test_attempts_of_all_modules_and_days_count_for_24_hours_and_no_longer(tmp_path: Path) -> None:
    ledger(tmp_path, "20260101T000000Z-buy-1", attempt(NOW - DAY_NS - 1), attempt(NOW - DAY_NS), attempt(NOW - 5))
    ledger(tmp_path, "20260102T000000Z-gift-2", attempt(NOW - 3), {"event": "outcome", "key": "k", "at": NOW})
    assert attempted_since(tmp_path, NOW - DAY_NS) == 3


def test_a_last_row_that_was_cut_short_refuses_to_count(tmp_path: Path) -> None:
    path = ledger(tmp_path, "20260101T000000Z-buy-1", attempt(NOW), text='{"event": "att')
    with pytest.raises(BadInput) as raised:
        attempted_since(tmp_path, NOW - DAY_NS)
    assert str(raised.value) == f"{path}: line 2: not a ledger row, so orders can't be counted"


def test_a_ledger_that_is_old_is_not_read_at_all(tmp_path: Path) -> None:
    path = ledger(tmp_path, "20250101T000000Z-buy-1", text="broken long ago")
    os.utime(path, ns=(1, 1))
    assert attempted_since(tmp_path, NOW - DAY_NS) == 0


def test_without_a_folder_nothing_was_ordered(tmp_path: Path) -> None:
    assert attempted_since(tmp_path / "staging", 0) == 0


def test_one_probe_of_a_target_buys_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path, 0.0), pytest.raises(LockTakenError), alone(tmp_path, 0.0):
        pass
    with alone(tmp_path, 0.0):
        pass


def test_the_lock_is_waited_for(tmp_path: Path) -> None:
    with ExitStack() as held:
        held.enter_context(alone(tmp_path, 0.0))
        with alone(tmp_path, 60.0, sleep=lambda _s: held.close()):
            pass
