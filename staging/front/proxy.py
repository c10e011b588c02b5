"""Forwards requests to a replica, and its responses back."""

import time
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from aiohttp import ClientConnectorError, ClientError, ClientSession
from aiohttp.web import BaseRequest, HTTPRequestEntityTooLarge, Response, StreamResponse
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from staging.front.access_log import AccessLog, access
from staging.front.streams import KIND, passed_through, patience
from staging.front.upstreams import Upstream, Upstreams

# RFC 9110, section 7.6.1: these concern one connection only. The lengths are set anew.
_HOP_BY_HOP = frozenset(
    {
        "connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "expect",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response for the client, and the replica it came from; `stream` is what was sent already, None for nothing."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    upstream: str | None
    size: int
    stream: StreamResponse | None = None


class Proxy:
    """Answers each request from one replica, and logs each that was received whole."""

    def __init__(self, upstreams: Upstreams, client: ClientSession, log: AccessLog) -> None:
        self._upstreams = upstreams
        self._client = client
        self._log = log

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """Return the answer to a request; its line is in the log by then, a stream's when it is over."""
        at, start = time.time_ns(), time.perf_counter()
        try:
            body = await request.read()
        except HTTPRequestEntityTooLarge:
            refusal = _failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None)
            return Response(status=refusal.status, headers=refusal.headers, body=refusal.body)
        answer = await self._answer(request, body)
        duration_s = time.perf_counter() - start
        self._log.write(access(request, at, duration_s, answer.status, answer.size, answer.upstream))
        return answer.stream or Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _answer(self, request: BaseRequest, body: bytes) -> Answer:
        tried: list[Upstream] = []
        while (upstream := self._upstreams.choose(tried)) is not None:
            try:
                return await self._ask(upstream, request, body)
            except ClientConnectorError:
                # No connection, so nothing was sent, and any method may go elsewhere.
                upstream.healthy = False
                tried.append(upstream)
            except TimeoutError:
                return _failure(HTTPStatus.GATEWAY_TIMEOUT, upstream)
            except ClientError:
                return _failure(HTTPStatus.BAD_GATEWAY, upstream)
        return _failure(HTTPStatus.BAD_GATEWAY if tried else HTTPStatus.SERVICE_UNAVAILABLE, None)

    async def _ask(self, upstream: Upstream, request: BaseRequest, body: bytes) -> Answer:
        upstream.busy += 1
        try:
            async with self._client.request(
                request.method,
                URL(f"{upstream.url}{request.rel_url.raw_path_qs}", encoded=True),
                headers=_passed_on(request.headers),
                data=body or None,
                allow_redirects=False,
                timeout=patience(request, self._client.timeout),
            ) as reply:
                headers, body, stream = _passed_on(reply.headers), b"", None
                if reply.content_type == KIND:
                    stream, size = await passed_through(request, reply, headers)
                else:
                    body = await reply.read()
                    size = len(body)
                return Answer(
                    status=reply.status, headers=headers, body=body, upstream=upstream.url, size=size, stream=stream
                )
        finally:
            upstream.busy -= 1


def _passed_on(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


def _failure(status: HTTPStatus, upstream: Upstream | None) -> Answer:
    headers = CIMultiDict({"Content-Type": "application/json"})
    body = orjson.dumps({"error": status.name.lower()})
    url = upstream.url if upstream else None
    return Answer(status=status, headers=headers, body=body, upstream=url, size=len(body))
