"""A page's assets, fetched beside the visit as a browser fetches them: in parallel, and each once a session.

The shopper waits for none of them, and none that fails ends a visit; each is recorded as wanted when its page ended.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import gevent

from loadtests.client.access import Access
from loadtests.client.interface import Client, Reply, Request, redirected
from loadtests.demand.visits import ASSET, CDN_ASSET
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.shopper.asset_urls import AssetUrls

# What browsers open to one host (HTTP/1.1); one of the shop's is the page's own.
CONNECTIONS = 6
_CONNECTIONS = {ASSET: CONNECTIONS - 1, CDN_ASSET: CONNECTIONS}
# What they ask for at once over one connection (HTTP/2), unless the server allows less.
_STREAMS = {ASSET: 100, CDN_ASSET: 100}
_MAX_HOPS = 5
_HEADERS = {"Accept": "*/*"}
_FINE = frozenset(range(200, 300))
Fetched = Literal["off", "shop", "all"]


class Fetch(Protocol):
    """How a session sends what its page asks for; raises CeilingReachedError when it may not be sent."""

    def __call__(self, client: Client, request: Request, due_at: int) -> Reply:
        """Send `request`, wanted at `due_at` (ns), and record it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSource:
    """What all sessions of one process share of it: where assets are found, and what of them wasn't requested.

    `new_cdn_client` opens a shopper's first connection to the CDN, None when it is left out. `left_out` counts by
    reason (`other_host`, `too_many` on a page, `ceiling_requests`), `failures` what broke here and not at the shop.
    `concurrency` is how many requests of a step a session has open at once.
    """

    addresses: AssetUrls
    new_cdn_client: Callable[[], Client] | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    concurrency: Mapping[str, int] = field(default_factory=lambda: _CONNECTIONS)


def source_of(
    shop: Access, cdn: Access | None, new_cdn_client: Callable[[], Client] | None, failures: Counter[tuple[str, str]]
) -> AssetSource:
    """Return the source of a worker that reaches the shop, and its CDN where there is one, as these say."""
    origins = {ASSET: shop.at_root.origin} | ({} if cdn is None else {CDN_ASSET: cdn.origin})
    return AssetSource(
        addresses=AssetUrls(shop.origin, origins),
        new_cdn_client=None if cdn is None else new_cdn_client,
        failures=failures,
        concurrency=_STREAMS if shop.http2 else _CONNECTIONS,
    )


class _HostQueue:
    """What one session fetches from one host: the queue of targets, and the idle connections."""

    __slots__ = ("active", "first", "idle", "limit", "waiting")

    def __init__(self, first: Client, limit: int) -> None:
        self.first, self.limit = first, limit
        self.idle: list[Client] = [first]
        self.waiting: deque[tuple[str, int]] = deque()
        self.active = 0

    def client(self) -> Client:
        return self.idle.pop() if self.idle else self.first.beside()


class Assets:
    """One session's assets; `under_way` holds the step and the wanted moment (ns) of each that was sent."""

    __slots__ = ("_fetch", "_greenlets", "_queues", "_seen", "_source", "under_way")

    def __init__(self, source: AssetSource, page: Client, fetch: Fetch) -> None:
        self._source, self._fetch = source, fetch
        self._queues: Mapping[str, _HostQueue] = {
            ASSET: _HostQueue(page.beside(), source.concurrency[ASSET]),
            **(
                {CDN_ASSET: _HostQueue(source.new_cdn_client(), source.concurrency[CDN_ASSET])}
                if source.new_cdn_client
                else {}
            ),
        }
        self._seen: set[tuple[str, str]] = set()
        self._greenlets: list[gevent.Greenlet] = []
        self.under_way: list[tuple[str, int]] = []

    def load(self, path: str, page: bytes, due_at: int) -> None:
        """Start fetching the assets of the page at `path` that this session hasn't fetched yet; returns at once."""
        found = self._source.addresses.of(path, page)
        self._source.left_out.update(found.left_out)
        for step, target in found.wanted:
            if (step, target) not in self._seen:
                self._seen.add((step, target))
                self._queues[step].waiting.append((target, due_at))
        self._greenlets = [one for one in self._greenlets if not one.dead]
        for step, queue in self._queues.items():
            for _ in range(min(len(queue.waiting), queue.limit - queue.active)):
                queue.active += 1
                self._greenlets.append(gevent.spawn(self._fetch_all, step, queue))

    def settle(self) -> None:
        """Wait for everything that was started."""
        gevent.joinall(self._greenlets)

    def close(self) -> None:
        """Cancel open requests and close the connections."""
        gevent.killall(self._greenlets)
        for queue in self._queues.values():
            for client in queue.idle:
                client.close()

    def _fetch_all(self, step: str, queue: _HostQueue) -> None:
        """Fetch queued targets one after the other, on one connection."""
        client = queue.client()
        try:
            while queue.waiting:
                self._fetch_one(client, step, *queue.waiting.popleft())
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be counted, not lost
            self._source.failures["assets", repr(error)] += 1
        finally:
            queue.idle.append(client)
            queue.active -= 1

    def _fetch_one(self, client: Client, step: str, target: str, due_at: int) -> None:
        """Fetch one asset and where its redirects lead at the same origin; elsewhere they lead nowhere."""
        request = Request(step=step, method="GET", path=target, headers=_HEADERS, accept=_FINE, follow=step)
        self.under_way.append((step, due_at))
        try:
            for _ in range(_MAX_HOPS):
                reply = self._fetch(client, request, due_at)
                if reply.error is not None or reply.location is None:
                    break
                request = redirected(request, reply)
        except CeilingReachedError as error:
            self._source.left_out[str(error)] += 1
        finally:
            self.under_way.remove((step, due_at))
