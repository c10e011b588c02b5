"""Waiting until a release that was put up answers everywhere, and as fast as it will."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.comparing.switch_command import SwitchFailed
from slo.formatting import clean, clip, seconds
from slo.outcomes import EnvironmentLacks

ROUNDS_ALIKE = 3
ASKED_IN_A_ROUND = 5
_BETWEEN_S = 0.1
_BETWEEN_ROUNDS_S = 0.5
_ALIKE_RATIO = 1.5
_ALIKE_S = 0.02
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long is waited at most: for the release to answer, and then for its latency to be stable."""

    release_s: float
    latency_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What answers now, None where nothing names a release, and what a reader must know of it."""

    release: str | None
    note: str | None = None


class Settling:
    """Waits on one environment; `ask` returns the release that it names, `check` raises when the job must end."""

    def __init__(
        self,
        ask: Callable[[], str | None],
        check: Callable[[], None],
        waits: Waits,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask, self._check, self._waits = ask, check, waits
        self._clock, self._sleep = clock, sleep

    def settle(self, is_expected: Callable[[str | None], bool], expected: str) -> Settled:
        """Wait until rounds of questions are all answered by an expected release, and take alike long.

        Raises SwitchFailed, which says what is `expected`, when the release doesn't come. A latency that doesn't get
        stable is a note: blocks have an unjudged start, and what is left is noise that the statistics see.
        """
        deadline = self._clock() + self._waits.release_s
        medians: list[float] = []
        until: float | None = None
        while True:
            self._check()
            release, took_s = self._round(is_expected)
            if took_s is None:
                medians, until = [], None
                if self._clock() > deadline:
                    raise SwitchFailed(_didnt_come(self._last, expected, self._waits.release_s))
            else:
                until = until or self._clock() + self._waits.latency_s
                medians.append(took_s)
                if is_stable(medians):
                    return Settled(release=release)
                if self._clock() > until:
                    return Settled(release=release, note=_unstable(medians, self._waits.latency_s))
            self._sleep(_BETWEEN_ROUNDS_S)

    def _round(self, is_expected: Callable[[str | None], bool]) -> tuple[str | None, float | None]:
        """Ask several times; return the release and the median time, None where one answer wasn't as expected."""
        took, named = [], set[str | None]()
        for number in range(ASKED_IN_A_ROUND):
            if number:
                self._sleep(_BETWEEN_S)
            began = self._clock()
            try:
                release = self._ask()
            except EnvironmentLacks as error:
                self._last = str(error)
                return None, None
            took.append(self._clock() - began)
            named.add(release)
            if len(named) > 1 or not is_expected(release):
                names = " and ".join(sorted(clip(clean(name or "no release"), _SHOWN) for name in named))
                self._last = f"it names {names}"
                return None, None
        return named.pop(), statistics.median(took)

    _last = "nothing was asked"


def is_stable(medians: Sequence[float]) -> bool:
    """Whether the last rounds took alike long: within half as much again, or within 20 ms."""
    last = medians[-ROUNDS_ALIKE:]
    if len(last) < ROUNDS_ALIKE:
        return False
    return max(last) <= max(min(last) * _ALIKE_RATIO, min(last) + _ALIKE_S)


def _didnt_come(last: str, expected: str, waited_s: float) -> str:
    return f"{expected} didn't answer within {waited_s:g} s: {last}"


def _unstable(medians: Sequence[float], waited_s: float) -> str:
    last = ", ".join(seconds(one) for one in medians[-ROUNDS_ALIKE:])
    return f"its latency wasn't stable within {waited_s:g} s: the last rounds took {last}"
