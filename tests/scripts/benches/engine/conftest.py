"""The benchmark's shop may be named in this process for the time of a test, and in no other test."""

from collections.abc import Iterator

import pytest

from scripts.benches.engine import shop


@pytest.fixture
def bench_shop() -> Iterator[None]:
    """Let plans and targets name it."""
    with shop.named():
        yield
