"""What the tests of a process's halves start from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.results.run_directory import RunDirectory
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.prepared import prepared_run


@pytest.fixture
def halves_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End what the halves of a run go on with: they do so until their process ends, and would in the next tests."""
    started: list[gevent.Greenlet[..., object]] = []
    spawn = gevent.spawn

    def spawned(*given: Any, **named: Any) -> "gevent.Greenlet[..., object]":
        started.append(spawn(*given, **named))
        return started[-1]

    monkeypatch.setattr(gevent, "spawn", spawned)
    yield
    gevent.killall(started)


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop.running() as one:
        yield one


@pytest.fixture
def run(tmp_path: Path, shop: FakeShop) -> RunDirectory:
    return prepared_run(tmp_path / "worker", shop.url)
