"""One object for each gevent hub, shared by its greenlets."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gevent import get_hub
from greenlet import greenlet

Shared = TypeVar("Shared")


class PerHub(Generic[Shared]):
    """Makes the hub's object on its first use there."""

    def __init__(self, make: Callable[[Any], Shared]) -> None:
        self._make = make
        self._by_hub: dict[int, tuple[Any, Shared]] = {}

    def __call__(self) -> Shared:
        """Return that of this thread's hub."""
        hub = get_hub()
        known = self._by_hub.get(id(hub))
        if known is None or known[0] is not hub:  # another hub may have got the place of a lost one
            known = self._by_hub[id(hub)] = hub, self._make(hub)
        return known[1]


def _switch(hub: Any) -> Callable[[], object]:  # noqa: ANN401 - gevent has no types
    switch: Callable[[], object] = greenlet.switch.__get__(hub)
    return switch


switch_to_hub = PerHub(_switch)
"""Returns what switches from a greenlet to its hub, the way of the waits that every request has.

Gevent's own way asks the greenlet first for a `switch_out`, which none of ours has: half a microsecond of 30. It isn't
to be called in the hub itself, which can't wait.
"""
