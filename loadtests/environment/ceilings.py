"""The ceilings of an environment and its hosts at run time: what one worker may send, however the plan was made.

An open model can't wait: what would exceed the ceiling isn't sent, its session ends there, and it is counted.
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping

from loadtests.environment.hosts import Host
from loadtests.environment.targets import Ceiling

_SECOND = 1_000_000_000
_NEVER = -(1 << 62)
_UNREACHABLE = 1_000_000  # no process sends as many in a second: nothing is kept of more
REQUESTS = "ceiling_requests"
"""Why a request wasn't sent; behind it stands the label of the host whose own ceiling was reached."""
_BROWSER_SHARE = 10


def split(ceiling: Ceiling) -> tuple[Ceiling, Ceiling]:
    """Return the load's share of a ceiling and a real browser's beside it: one session, a tenth of the rate, no order.

    Raises ValueError when there isn't enough for both.
    """
    if ceiling.open_sessions == 1:
        raise ValueError("has no room for a browser beside the load")
    of_load, of_browser = _split(ceiling.requests_per_s)
    load = {"requests_per_s": of_load, "open_sessions": ceiling.open_sessions - 1}
    browser = {"requests_per_s": of_browser, "open_sessions": 1, "orders": 0}
    return ceiling.model_copy(update=load), ceiling.model_copy(update=browser)


def split_hosts(hosts: Mapping[str, Host]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the load's share of each host's own ceiling, in requests a second, and a real browser's.

    A host without a ceiling of its own is in neither. Raises ValueError like `split`.
    """
    shares = {label: _split(most) for label, most in most_of(hosts).items()}
    load, browser = ({label: share[i] for label, share in shares.items()} for i in (0, 1))
    return load, browser


def most_of(hosts: Mapping[str, Host]) -> dict[str, float]:
    """Return each host's own ceiling, in requests a second; a host without one is left out."""
    return {label: host.ceiling.requests_per_s for label, host in hosts.items() if host.ceiling is not None}


def _split(requests_per_s: float) -> tuple[float, float]:
    least = max(1.0, requests_per_s / _BROWSER_SHARE)
    if requests_per_s <= least:
        raise ValueError("has no room for a browser beside the load")
    return requests_per_s - least, least


class CeilingReachedError(Exception):
    """A request or an order that isn't sent: the ceiling is reached. The message is the reason."""


class _Window:
    """One worker's share of a rate: at most so many in any stretch of a second, or one in a longer one."""

    __slots__ = ("_most", "_oldest", "_sent", "_window_ns")

    def __init__(self, requests_per_s: float, index: int, workers: int) -> None:
        whole = int(requests_per_s)
        most = whole // workers + (index < whole % workers) if whole >= workers else 1
        self._window_ns = _SECOND if whole >= workers else math.ceil(_SECOND * workers / requests_per_s)
        self._most = min(most, _UNREACHABLE)
        self._sent = array("q", [_NEVER]) * self._most  # a ring: the oldest is the next to be overwritten
        self._oldest = 0

    def has_room(self, now: int) -> bool:
        return now - self._sent[self._oldest] >= self._window_ns

    def take(self, now: int) -> None:
        oldest = self._oldest
        self._sent[oldest] = now
        self._oldest = oldest + 1 if oldest + 1 < self._most else 0


class Ceilings(_Window):
    """The share of worker `index` of `workers`; the shares of all add up to no more than the ceiling.

    All workers together send no more than `requests_per_s` requests in any one second, its whole part; when that is
    less than one each, every worker sends one in `workers / requests_per_s` seconds. `hosts` are the ceilings of
    declared hosts, in requests a second, which hold beside it. `refused` counts by reason.
    """

    __slots__ = ("_hosts", "_orders_left", "refused")

    def __init__(self, ceiling: Ceiling, index: int, workers: int, hosts: Mapping[str, float] | None = None) -> None:
        super().__init__(ceiling.requests_per_s, index, workers)
        self._hosts = {label: _Window(most, index, workers) for label, most in (hosts or {}).items()}
        self._orders_left = ceiling.orders // workers + (index < ceiling.orders % workers)
        self.refused: Counter[str] = Counter()

    def take_request(self, now: int, host: str | None = None) -> None:
        """Count one request that is about to be sent to `host`; raises CeilingReachedError when it may not be."""
        oldest = self._oldest
        if now - self._sent[oldest] < self._window_ns:
            raise self._refusal(REQUESTS)
        if host is not None:
            self.take_at_host(now, host)
        self._sent[oldest] = now
        self._oldest = oldest + 1 if oldest + 1 < self._most else 0

    def take_at_host(self, now: int, host: str) -> None:
        """Count one request to a declared host for which `take_request` has made room already; raises like that."""
        window = self._hosts.get(host)
        if window is None:
            return
        if not window.has_room(now):
            raise self._refusal(f"{REQUESTS}_{host}")
        window.take(now)

    def take_order(self) -> None:
        """Count one order that is about to be attempted; raises CeilingReachedError when it may not be."""
        if self._orders_left <= 0:
            raise self._refusal("ceiling_orders")
        self._orders_left -= 1

    def _refusal(self, reason: str) -> CeilingReachedError:
        self.refused[reason] += 1
        return CeilingReachedError(reason)
