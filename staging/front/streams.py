"""Streams of server-sent events through the front: each piece is forwarded as it comes."""

from aiohttp import ClientError, ClientResponse, ClientTimeout
from aiohttp.web import BaseRequest, StreamResponse
from multidict import CIMultiDict

KIND = "text/event-stream"


def patience(request: BaseRequest, usual: ClientTimeout) -> ClientTimeout:
    """Return how long a replica has for `request`: for a whole answer, or, of a stream, for each piece."""
    if KIND not in request.headers.get("Accept", ""):
        return usual
    return ClientTimeout(connect=usual.connect, sock_read=usual.total)


async def passed_through(
    request: BaseRequest, reply: ClientResponse, headers: CIMultiDict[str]
) -> tuple[StreamResponse, int]:
    """Pass a stream on until either side ends it; return what was sent, and its bytes.

    A stream that its replica breaks off is broken off here, too: the reader must not take it for ended.
    """
    stream, size = StreamResponse(status=reply.status, headers=headers), 0
    try:
        await stream.prepare(request)
        async for piece in reply.content.iter_any():
            await stream.write(piece)
            size += len(piece)
        await stream.write_eof()
    except (ClientError, ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()
    return stream, size
