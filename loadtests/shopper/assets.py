"""A page's assets, fetched beside the visit as a browser fetches them: in parallel, and each once a session.

The shopper waits for none of them, and none that fails ends a visit; each is recorded as wanted when its page ended.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

import gevent

from loadtests.client.access import Access
from loadtests.client.interface import Client, Reply, Request, redirected
from loadtests.client.locations import count_origin
from loadtests.demand.visits import ASSET, CDN_ASSET
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.environment.hosts import CDN
from loadtests.shopper.asset_urls import AssetUrls

# What browsers open to one host (HTTP/1.1); one of a host that steps go to is the session's own.
CONNECTIONS = 6
# What they ask for at once over one connection (HTTP/2), unless the server allows less.
_STREAMS = 100
_MAX_HOPS = 5
_HEADERS = {"Accept": "*/*"}
_FINE = frozenset(range(200, 300))
Fetched = Literal["off", "shop", "all"]


class Fetch(Protocol):
    """How a session sends what its page asks for; raises CeilingReachedError when it may not be sent."""

    def __call__(self, client: Client, request: Request, due_at: int) -> Reply:
        """Send `request`, wanted at `due_at` (ns), and record it."""


class Opener(Protocol):
    """How a session opens connections for what its pages ask for."""

    def beside(self, host: str | None) -> Client:
        """Return another client to a declared host, None being `base_url`'s; its paths begin at the origin's root."""

    def faced(self, client: Client, host: str | None, page: str | None) -> Client:
        """Return such a client, ready to send what a page at the host `page` asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSource:
    """What all sessions of one process share of it: where assets are found, and what of them wasn't requested.

    `concurrency` is how many requests a session has open at once at each of the hosts that assets are fetched from.
    `left_out` counts by reason (`other_host`, `too_many` on a page, `ceiling_requests`), `undeclared` those at hosts
    that aren't declared, by origin, and `failures` what broke here and not at the shop.
    """

    addresses: AssetUrls
    concurrency: Mapping[str | None, int]
    left_out: Counter[str] = field(default_factory=Counter)
    undeclared: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)


def source_of(
    accesses: Mapping[str | None, Access], fetched: Fetched, failures: Counter[tuple[str, str]]
) -> AssetSource:
    """Return the source of a worker that reaches its hosts so: assets of all of them, the CDN's only for `all`."""
    wanted = frozenset(label for label in accesses if label != CDN or fetched == "all")
    return AssetSource(
        addresses=AssetUrls({label: access.origin for label, access in accesses.items()}, wanted),
        concurrency={label: _at_once(label, accesses[label]) for label in wanted},
        undeclared=accesses[None].places.undeclared,
        failures=failures,
    )


def step_of(host: str | None) -> str:
    """Return the step that an asset at a host is recorded under."""
    return CDN_ASSET if host == CDN else ASSET


def _at_once(label: str | None, access: Access) -> int:
    return _STREAMS if access.http2 else CONNECTIONS if label == CDN else CONNECTIONS - 1


class _HostQueue:
    """What one session fetches from one host: the queue of targets, each with its page's host, and idle connections."""

    __slots__ = ("active", "idle", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.idle: list[Client] = []
        self.waiting: deque[tuple[str, str | None, int]] = deque()
        self.active = 0


class Assets:
    """One session's assets; `under_way` holds the step and the wanted moment (ns) of each that was sent."""

    __slots__ = ("_fetch", "_greenlets", "_opener", "_queues", "_seen", "_source", "under_way")

    def __init__(self, source: AssetSource, opener: Opener, fetch: Fetch) -> None:
        self._source, self._opener, self._fetch = source, opener, fetch
        self._queues = {host: _HostQueue(limit) for host, limit in source.concurrency.items()}
        self._seen: set[tuple[str | None, str]] = set()
        self._greenlets: list[gevent.Greenlet] = []
        self.under_way: list[tuple[str, int]] = []

    def load(self, host: str | None, path: str, page: bytes, due_at: int) -> None:
        """Start fetching the assets of a page that this session hasn't fetched yet; returns at once."""
        source = self._source
        found = source.addresses.of(host, path, page)
        source.left_out.update(found.left_out)
        for origin, times in found.undeclared.items():
            count_origin(source.undeclared, origin, times)
        for place in found.wanted:
            if place not in self._seen:
                self._seen.add(place)
                self._queues[place[0]].waiting.append((place[1], host, due_at))
        self._greenlets = [one for one in self._greenlets if not one.dead]
        for at, queue in self._queues.items():
            for _ in range(min(len(queue.waiting), queue.limit - queue.active)):
                queue.active += 1
                self._greenlets.append(gevent.spawn(self._fetch_all, at, queue))

    def settle(self) -> None:
        """Wait for everything that was started."""
        gevent.joinall(self._greenlets)

    def close(self) -> None:
        """Cancel open requests and close the connections."""
        gevent.killall(self._greenlets)
        for queue in self._queues.values():
            for client in queue.idle:
                client.close()

    def _fetch_all(self, host: str | None, queue: _HostQueue) -> None:
        """Fetch queued targets one after the other, on one connection."""
        try:
            with self._client(host) as client:
                while queue.waiting:
                    self._fetch_one(client, host, *queue.waiting.popleft())
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be counted, not lost
            self._source.failures["assets", repr(error)] += 1
        finally:
            queue.active -= 1

    @contextmanager
    def _client(self, host: str | None) -> Iterator[Client]:
        """Lend a connection to a host, an idle one before a new one."""
        idle = self._queues[host].idle
        client = idle.pop() if idle else self._opener.beside(host)
        try:
            yield client
        finally:
            idle.append(client)

    def _fetch_one(self, client: Client, host: str | None, target: str, page: str | None, due_at: int) -> None:
        """Fetch one asset and where its redirects lead among the hosts that assets are fetched from."""
        step = step_of(host)
        request = Request(step=step, method="GET", path=target, headers=_HEADERS, accept=_FINE, follow=step, host=host)
        self.under_way.append((step, due_at))
        try:
            self._follow(client, request, page, due_at)
        except CeilingReachedError as error:
            self._source.left_out[str(error)] += 1
        finally:
            self.under_way.remove((step, due_at))

    def _follow(self, client: Client, request: Request, page: str | None, due_at: int) -> None:
        with ExitStack() as lent:
            for _ in range(_MAX_HOPS):
                reply = self._fetch(self._opener.faced(client, request.host, page), request, due_at)
                if reply.error is not None or reply.location is None:
                    return
                before, request = request.host, redirected(request, reply)
                if request.host == before:
                    continue
                if request.host not in self._queues:
                    self._source.left_out["other_host"] += 1
                    return
                client = lent.enter_context(self._client(request.host))
                step = step_of(request.host)
                request = request._replace(step=step, follow=step)
