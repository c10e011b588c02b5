"""`peakproof exporter`: serve one subject's metrics for as long as it is wanted."""

import argparse
import threading
from typing import Any

from exporters.serving.http_server import CantListen
from exporters.serving.pages import serve
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource
from exporters.subjects import loadgen, orders, stock
from scripts.arguments import add_web, web_token
from scripts.context import Context
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode

SUMMARY = "serve metrics of the load generator, the stock or the orders to Prometheus"
EXAMPLE = "peakproof exporter loadgen"
_SUBJECTS = ("loadgen", "stock", "orders")


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("subject", choices=_SUBJECTS, metavar="SUBJECT", help=f"what to export: {', '.join(_SUBJECTS)}")
    parser.add_argument("--url", help="where to read: the shop's stock page for stock, its funnel page for orders")
    parser.add_argument(
        "--token-env",
        metavar="NAME",
        default="PEAKPROOF_SHOP_TOKEN",
        help="variable that holds the bearer token for --url (default PEAKPROOF_SHOP_TOKEN)",
    )
    add_web(parser)
    parser.add_argument("--port", type=int, default=18087, help="port to listen on (default 18087)")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Serve until interrupted; raises EnvironmentLacks when the port is taken."""
    subject = _subject(options, context)
    try:
        server = serve([subject], options.host, options.port, token=web_token(options, context))
    except CantListen as error:
        raise EnvironmentLacks(str(error)) from error
    context.say(f"{options.subject}: {server.url}/metrics")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        context.say("stopped")
    finally:
        server.stop()
    return ExitCode.OK


def _subject(options: argparse.Namespace, context: Context) -> Subject[Any]:
    if options.subject == "loadgen":
        return loadgen.subject(lambda: loadgen.latest_run(context.runs))
    if not options.url:
        raise BadInput(f"--url is required for {options.subject}: the address of the shop's page to read")
    token = context.environment.get(options.token_env)
    if not token:
        raise BadInput(f"the environment variable {options.token_env} is not set; --token-env names another")
    source = AdminSource(url=options.url, token=token)
    return stock.subject(source) if options.subject == "stock" else orders.subject(source)
