"""Waiting for what must come, instead of for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_for(look: Callable[[], Seen | None], what: str, within_s: float = 60.0) -> Seen:
    """Look until there is something to see, and return it; fail when there isn't in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
    return seen
