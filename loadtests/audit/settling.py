"""Waits until the orders of a run are settled: what is pending when a run ends may still become accepted or declined.

The records are read again meanwhile, and no longer than they can be: an order is waited for until it has been pending
for too long by its own time, and none when the stock would no longer say what the run did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loadtests.audit.evidence import LATE_NS, Evidence, unsettled
from slo.formatting import seconds

_LONGEST_NS: Final = LATE_NS - 60_000_000_000  # the last reading takes its time
_FIRST_S, _MOST_S = 1.0, 15.0
_A_TICK_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How it is waited: `now` is the time in ns, `pause` waits for so many seconds, `say` prints a line."""

    now: Callable[[], int]
    pause: Callable[[float], None]
    say: Callable[[str], None]


def read_when_settled(read: Callable[[], Evidence], patience: Patience) -> Evidence:
    """Return what `read` returns once nothing is pending that may still be settled in time.

    At the latest 9 minutes after the run's end, whatever is pending then. Without anything pending nothing is waited
    for, and nothing said.
    """
    began, evidence = patience.now(), read()
    waits, pause_s = unsettled(evidence), _FIRST_S
    ends_at = (evidence.ended_at or began) + _LONGEST_NS
    now = asked_at = patience.now()
    if waits is None or now >= ends_at:
        return evidence
    longest_s = max(0, min(waits.until, ends_at) - now) / 1e9
    patience.say(
        f"{waits.count} orders aren't settled yet: asked for again until they are, {seconds(longest_s)} at most"
    )
    while waits is not None and now < ends_at:
        left_s = max(0, min(waits.until, ends_at) - now) / 1e9  # a slow reading may have ended after that
        patience.pause(min(pause_s, left_s + _A_TICK_S))
        began, evidence = patience.now(), read()
        waits, now = unsettled(evidence), patience.now()
        pause_s = max(min(2 * pause_s, _MOST_S), (now - began) / 1e9)
    after = seconds((now - asked_at) / 1e9)
    patience.say(f"{waits.count} orders aren't settled after {after}" if waits else f"waited {after} for them")
    return evidence
