"""The replicas behind the front: which are healthy, and which is next."""

import asyncio
from collections.abc import Collection, Sequence

from aiohttp import ClientError, ClientSession, ClientTimeout

CHECK_EVERY_S = 1.0
CHECK_TIMEOUT = ClientTimeout(total=5.0)


class Upstream:
    """One replica; `busy` counts the requests it is serving for this front."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.healthy = False
        self.busy = 0


class Upstreams:
    """The replicas; the least busy healthy one is next, in turn where several are."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._all = [Upstream(url) for url in urls]
        self._turn = 0

    def choose(self, tried: Collection[Upstream] = ()) -> Upstream | None:
        """Return the replica for a request, none of `tried`; None when no such one is healthy."""
        self._turn += 1
        start = self._turn % len(self._all)
        in_turn = self._all[start:] + self._all[:start]
        able = [upstream for upstream in in_turn if upstream.healthy and upstream not in tried]
        return min(able, key=lambda upstream: upstream.busy, default=None)

    async def check(self, client: ClientSession) -> None:
        """Request `/healthz` of each replica and note which are healthy."""
        await asyncio.gather(*(self._check_one(client, upstream) for upstream in self._all))

    async def keep_checking(self, client: ClientSession) -> None:
        """Check once a second, for ever."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.check(client)

    async def _check_one(self, client: ClientSession, upstream: Upstream) -> None:
        try:
            async with client.get(f"{upstream.url}/healthz", timeout=CHECK_TIMEOUT) as reply:
                await reply.read()
                upstream.healthy = reply.ok
        except (ClientError, TimeoutError):
            upstream.healthy = False
