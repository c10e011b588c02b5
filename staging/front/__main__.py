"""`python -m staging.front`: run the front."""

import argparse
import asyncio
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.web import Server, ServerRunner, TCPSite

from staging import arguments, lifecycle
from staging.front.access_log import AccessLog
from staging.front.proxy import Proxy
from staging.front.upstreams import Upstreams

# The shop closes a connection that was idle for a minute; the front gives it up before.
IDLE_S = 20.0
UNASKED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def parser() -> argparse.ArgumentParser:
    """Return the command line of the front."""
    parser = argparse.ArgumentParser(
        prog="python -m staging.front",
        description="A reverse proxy before the shop's replicas: balances, checks health, writes the access log.",
        epilog="Example: python -m staging.front --upstream http://127.0.0.1:18081 --access-log /tmp/access.jsonl",
    )
    arguments.add_process_arguments(parser)
    parser.add_argument("--port", type=arguments.port, default=18080, help="port (%(default)s)")
    parser.add_argument(
        "--upstream", type=arguments.http_url, action="append", required=True, metavar="URL", help="a replica; repeat"
    )
    parser.add_argument("--access-log", type=Path, required=True, metavar="FILE", help="JSON lines are added to it")
    parser.add_argument(
        "--timeout-ms", dest="timeout_s", type=arguments.milliseconds, default=30.0,
        help="time a replica has for an answer (30000)",
    )  # fmt: skip
    return parser


async def serve(options: argparse.Namespace, log: AccessLog) -> None:
    """Serve until a signal, or the parent's death."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    lifecycle.on_stop(lambda: loop.call_soon_threadsafe(stopping.set), options.with_parent)
    upstreams = Upstreams(options.upstream)
    async with _client(options.timeout_s) as client:
        await upstreams.check(client)
        checking = asyncio.create_task(upstreams.keep_checking(client))
        runner = ServerRunner(
            Server(Proxy(upstreams, client, log).handle, keepalive_timeout=75.0), shutdown_timeout=2.0
        )
        await runner.setup()
        try:
            await _listen(runner, options.host, options.port)
            await stopping.wait()
        finally:
            checking.cancel()
            await runner.cleanup()


def _client(timeout_s: float) -> ClientSession:
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=IDLE_S),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout_s, connect=5.0),
        auto_decompress=False,
        skip_auto_headers=UNASKED,
    )


async def _listen(runner: ServerRunner, host: str, port: int) -> None:
    try:
        await TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        raise lifecycle.UnavailableError(f"can't listen on {host}:{port}: {error.strerror or error}") from None
    lifecycle.announce(f"http://{host}:{runner.addresses[0][1]}")


def main() -> None:
    """Open the log and serve."""
    options = (command := parser()).parse_args()
    try:
        log = AccessLog(options.access_log)
    except OSError as error:
        command.error(f"--access-log: {options.access_log}: {error.strerror}")
    asyncio.run(serve(options, log))
    lifecycle.end(log.close)


if __name__ == "__main__":
    lifecycle.run(main)
