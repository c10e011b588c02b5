"""A load generator takes what descriptors it may have, and knows how many it needs."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.runtime import resource_limits as descriptors

MOST = Path(__file__).parents[2] / "children" / "most_descriptors.py"


def test_each_worker_needs_its_share_of_the_sessions_and_some_beside() -> None:
    assert descriptors.needed(10_000, 4) - descriptors.needed(6_000, 4) == 1_000
    assert descriptors.needed(10_000, 4, 6) - descriptors.needed(6_000, 4, 6) == 6_000
    assert descriptors.needed(1, 4) == descriptors.needed(4, 4) > 100


def test_it_takes_as_many_as_it_may_have() -> None:
    done = subprocess.run([sys.executable, "-P", MOST], capture_output=True, text=True, check=True)
    assert done.stdout == "(300, 700) 700 700\n"


def test_what_is_open_is_counted() -> None:
    before = descriptors.used()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    after = descriptors.used()
    for one in opened:
        os.close(one)
    assert before is not None
    assert after == before + 5
    assert after < descriptors.allowed() <= resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def test_what_is_open_is_not_known_where_the_system_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "_FOLDERS", (tmp_path / "proc", tmp_path / "dev"))
    assert descriptors.used() is None
    for number in range(4):  # and one of them is the listing's own
        (tmp_path / "dev" / str(number)).mkdir(parents=True)
    assert descriptors.used() == 3
