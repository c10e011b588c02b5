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
_LANES = {ASSET: CONNECTIONS - 1, CDN_ASSET: CONNECTIONS}
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
    """What all sessions of one process share of it: where assets are found, and what of them wasn't asked for.

    `new_cdn_client` opens a shopper's first connection to the CDN, None when it is left out. `left_out` counts by
    reason (`other_host`, `too_many` on a page, `ceiling_requests`), `failures` what broke here and not at the shop.
    `lanes` says for how many of a step a session asks at once.
    """

    addresses: AssetUrls
    new_cdn_client: Callable[[], Client] | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    lanes: Mapping[str, int] = field(default_factory=lambda: _LANES)


def source_of(
    shop: Access, cdn: Access | None, new_cdn_client: Callable[[], Client] | None, failures: Counter[tuple[str, str]]
) -> AssetSource:
    """Return the source of a worker that reaches the shop, and its CDN where there is one, as these say."""
    origins = {ASSET: shop.at_root.origin} | ({} if cdn is None else {CDN_ASSET: cdn.origin})
    return AssetSource(
        addresses=AssetUrls(shop.origin, origins),
        new_cdn_client=None if cdn is None else new_cdn_client,
        failures=failures,
        lanes=_STREAMS if shop.http2 else _LANES,
    )


class _Shelf:
    """What one session wants of one host: the addresses that wait, and the connections that rest."""

    __slots__ = ("first", "lanes", "most", "resting", "waiting")

    def __init__(self, first: Client, most: int) -> None:
        self.first, self.most = first, most
        self.resting: list[Client] = [first]
        self.waiting: deque[tuple[str, int]] = deque()
        self.lanes = 0

    def client(self) -> Client:
        return self.resting.pop() if self.resting else self.first.beside()


class Assets:
    """One session's assets; `under_way` holds the step and the wanted moment (ns) of each that was sent."""

    __slots__ = ("_fetch", "_greenlets", "_seen", "_shelves", "_source", "under_way")

    def __init__(self, source: AssetSource, page: Client, fetch: Fetch) -> None:
        self._source, self._fetch = source, fetch
        self._shelves: Mapping[str, _Shelf] = {
            ASSET: _Shelf(page.beside(), source.lanes[ASSET]),
            **({CDN_ASSET: _Shelf(source.new_cdn_client(), source.lanes[CDN_ASSET])} if source.new_cdn_client else {}),
        }
        self._seen: set[tuple[str, str]] = set()
        self._greenlets: list[gevent.Greenlet] = []
        self.under_way: list[tuple[str, int]] = []

    def load(self, path: str, page: bytes, due_at: int) -> None:
        """Start fetching what the page at `path` asks for and this session hasn't got; returns at once."""
        found = self._source.addresses.of(path, page)
        self._source.left_out.update(found.left_out)
        for step, target in found.wanted:
            if (step, target) not in self._seen:
                self._seen.add((step, target))
                self._shelves[step].waiting.append((target, due_at))
        self._greenlets = [one for one in self._greenlets if not one.dead]
        for step, shelf in self._shelves.items():
            for _ in range(min(len(shelf.waiting), shelf.most - shelf.lanes)):
                shelf.lanes += 1
                self._greenlets.append(gevent.spawn(self._empty, step, shelf))

    def settle(self) -> None:
        """Wait for everything that was started."""
        gevent.joinall(self._greenlets)

    def close(self) -> None:
        """Break off what is under way and close the connections."""
        gevent.killall(self._greenlets)
        for shelf in self._shelves.values():
            for client in shelf.resting:
                client.close()

    def _empty(self, step: str, shelf: _Shelf) -> None:
        """Fetch what waits, one after the other, on one connection."""
        client = shelf.client()
        try:
            while shelf.waiting:
                self._fetch_one(client, step, *shelf.waiting.popleft())
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be counted, not lost
            self._source.failures["assets", repr(error)] += 1
        finally:
            shelf.resting.append(client)
            shelf.lanes -= 1

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
