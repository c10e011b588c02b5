"""`peakproof exporter`: serve the metrics of one subject, or of all that are configured, until interrupted."""

import argparse
import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from exporters.config import names, pages_of, read_config, subjects
from exporters.context import ExporterContext
from exporters.serving.exposition import Exposition
from exporters.serving.http_server import CantListen
from exporters.serving.pages import OwnFamilies, Pages, listen
from exporters.serving.protection import protected
from exporters.serving.reloading import ReloadedPages
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource, Source
from exporters.serving.web_protection import WebProtection
from exporters.subjects import loadgen, orders, stock
from scripts.arguments import local_file
from scripts.context import Context
from scripts.listening import LOOK_S, Address, Protection, listen_address, reached_by_others
from scripts.tokens import token_named
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode

SUMMARY = "serve metrics of the load generator, the shop and what it loses sleep over to Prometheus"
EXAMPLE = "peakproof exporter loadgen"
ALL = "all"
CONFIG = "exporters.yaml"
PORT = 18087
_LOADGEN = "loadgen"
_BY_ADDRESS: Mapping[str, Callable[[Source], Subject[Any]]] = {"stock": stock.subject, "orders": orders.subject}


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    known = [ALL, *dict.fromkeys((_LOADGEN, *_BY_ADDRESS, *names()))]
    parser.add_argument("subject", choices=known, metavar="SUBJECT", help=f"what to export: {', '.join(known)}")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=local_file,
        help=f"what each subject reads (default {CONFIG} in the current folder); read again at SIGHUP",
    )
    parser.add_argument("--url", help="the shop's admin page to read: of its stock for stock, of its funnel for orders")
    parser.add_argument(
        "--token-env",
        metavar="NAME",
        default="PEAKPROOF_SHOP_TOKEN",
        help="variable that holds the bearer token for --url (default PEAKPROOF_SHOP_TOKEN)",
    )
    _add_web(parser)


def _add_web(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="addresses",
        action="append",
        type=listen_address,
        metavar="HOST:PORT",
        help=f"where to listen (default 127.0.0.1:{PORT}; may be repeated); one that others reach needs protection",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        type=local_file,
        metavar="FILE",
        help="TLS, users and headers, in the format of Prometheus' exporter-toolkit",
    )
    parser.add_argument(
        "--web-token-env",
        metavar="NAME",
        help="variable that holds the bearer token clients must send; NAME_FILE may name a file that holds it",
    )
    parser.add_argument("--host", default="127.0.0.1", help="as --web.listen-address HOST:PORT, with --port")
    parser.add_argument("--port", type=int, default=PORT, help=f"port to listen on (default {PORT})")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Serve until interrupted; raises BadInput, and EnvironmentLacks when a port is in use."""
    addresses: list[Address] = options.addresses or [(options.host, options.port)]
    token_name, has_file = options.web_token_env, options.web_config is not None
    by_others = reached_by_others(addresses, Protection(has_token=token_name is not None, has_web_config=has_file))
    token = token_named(token_name, context.environment, "--web-token-env names it").reveal() if token_name else None
    web = WebProtection(options.web_config, must_ask=by_others and token is None) if has_file else None
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # Not an Event: a handler that sets it while this thread is within its wait() would wait for itself.
    asked: SimpleQueue[None] = SimpleQueue()
    signal.signal(signal.SIGHUP, lambda _signal, _frame: asked.put(None))  # before anybody knows that this is up
    reloaded = ReloadedPages(_maker(options, context), _wall_clock)
    try:
        servers = listen(protected(reloaded.answer, web, token), addresses, web=web)
    except CantListen as error:
        raise EnvironmentLacks(str(error)) from error
    for server in servers:
        context.say(f"{options.subject}: {server.url}/metrics")
    try:
        _serve(reloaded, asked)
    except KeyboardInterrupt:
        context.say("stopped")
    finally:
        for server in servers:
            server.stop()
        reloaded.close()
    return ExitCode.OK


def _wall_clock() -> int:
    """Return the time in ns since 1970, as it is after the machine slept or its clock was set: a run's would lag."""
    return time.time_ns()


def _serve(reloaded: ReloadedPages, asked: "SimpleQueue[None]") -> None:
    """Reload whenever that is asked for, for ever; it wakes as `until_interrupted` does."""
    while True:
        try:
            asked.get(timeout=LOOK_S)
        except Empty:
            continue
        reloaded.reload()


def _maker(options: argparse.Namespace, context: Context) -> Callable[[OwnFamilies], Pages]:
    """Return what makes the pages from the configuration as it is then; the lines they keep outlive them."""
    exposition = Exposition()
    file: Path = options.config or context.folder / CONFIG
    alone = _without_config(options, context) if options.config is None else None
    if alone is not None:
        return lambda own: Pages([alone], own=own, exposition=exposition)
    around = ExporterContext(variables=context.environment, folder=file.parent, runs=context.runs, now=_wall_clock)
    only = None if options.subject == ALL else options.subject

    def make(own: OwnFamilies) -> Pages:
        config = read_config(file)
        made = subjects(config, around, only)
        return Pages(made, pages=pages_of(made), own=own, exposition=exposition)

    return make


def _without_config(options: argparse.Namespace, context: Context) -> Subject[Any] | None:
    """Return a subject that needs no configuration, None for one that does."""
    if options.url is not None and options.subject not in _BY_ADDRESS:
        raise BadInput(f"--url goes with {' and '.join(_BY_ADDRESS)}, not with {options.subject}")
    if options.subject == _LOADGEN and not _is_configured(_LOADGEN, context.folder / CONFIG):
        return loadgen.subject(lambda: loadgen.latest_run(context.runs))
    if options.subject not in _BY_ADDRESS or (options.url is None and options.subject in names()):
        return None
    if not options.url:
        raise BadInput(f"--url is required for {options.subject}: the address of the shop's page to read")
    token = context.environment.get(options.token_env)
    if not token:
        raise BadInput(f"the environment variable {options.token_env} is not set; --token-env names another")
    return _BY_ADDRESS[options.subject](AdminSource(url=options.url, token=token))


def _is_configured(part: str, file: Path) -> bool:
    return part in names() and file.exists() and getattr(read_config(file), part, None) is not None
