"""`random` as a locustfile imports it: within a session, drawn from the session's own generator."""

import random
from types import ModuleType
from typing import Any

from loadtests.locustfiles.visit import CURRENT

_BITS = 53


class SessionRandom(random.Random):
    """Draws from the session that the greenlet plays; outside of one, from Python's own generator."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""
        visit = CURRENT.get()
        return random.random() if visit is None else visit.session.random.random()  # noqa: S311 - no secret

    def getrandbits(self, k: int, /) -> int:
        """Return a whole number of `k` bits."""
        visit = CURRENT.get()
        if visit is None:
            return random.getrandbits(k)
        drawn, bits = 0, 0
        while bits < k:
            drawn = drawn << _BITS | int(visit.session.random.random() * (1 << _BITS))
            bits += _BITS
        return drawn >> (bits - k)

    def seed(self, *arguments: Any, **how: Any) -> None:  # noqa: ANN401 - random's signature
        """Leave the session's generator as the plan has seeded it."""
        if CURRENT.get() is None and getattr(self, "_is_made", False):
            random.seed(*arguments, **how)
        self._is_made = True
        self.gauss_next = None


def stand_in() -> ModuleType:
    """Return the module that a locustfile gets for `random`."""
    module, drawn = ModuleType("random"), SessionRandom()
    module.__dict__.update({name: value for name, value in vars(random).items() if not name.startswith("__")})
    for name in dir(random.Random):
        if name in random.__all__ and callable(getattr(drawn, name)):
            setattr(module, name, getattr(drawn, name))
    return module
